// Makes a value when it is first used. It is for what is costly to make and seldom needed: a cold start does not pay for it.

/** @returns gives the same value every time; a `make` that threw is called again */
export function onFirstUse<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
