// Makes a value when it is first used. It is for what is costly to make and seldom needed: a cold start does not pay for it.

/** @returns gives the same value every time; a `make` that threw, or whose promise failed, is called again */
export function onFirstUse<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  const forget = (value: Value): void => {
    if (made === value) made = undefined;
  };
  return () => {
    if (made !== undefined) return made;
    const value = make();
    made = value;
    // The caller has the promise, and hears of its failure.
    if (value instanceof Promise) value.catch(() => forget(value));
    return value;
  };
}
