// Runs tasks one after the other, in the order in which they are given.

/** @returns what makes a task wait for those before it, whether they succeed or fail */
export function inTurns(): <Value>(task: () => Promise<Value>) => Promise<Value> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = last.then(task);
    last = turn.catch(() => undefined);
    return turn;
  };
}
