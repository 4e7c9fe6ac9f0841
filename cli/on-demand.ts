// Loads what a command runs when it runs: the other commands, and the help, answer at once.

type Run<Args extends unknown[]> = (...args: Args) => Promise<void>;

/** @param load imports the module and gives its function, as commander's action calls it */
export function onDemand<Args extends unknown[]>(load: () => Promise<Run<Args>>): Run<Args> {
  return async (...args) => (await load())(...args);
}
