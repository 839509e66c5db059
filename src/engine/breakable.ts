import type { Host, HostName } from '../model/host.ts';

/**
 * Hosts for a trial that may be broken off. The first thing that the trial asks of them then throws the signal's reason, which
 * ends it; what it does after that (its `finally`), to put things right again, is done.
 */
export function breakable(host: (name: HostName) => Host, signal: AbortSignal | undefined): (name: HostName) => Host {
  let told = false;
  const check = () => {
    if (told || !signal?.aborted) return;
    told = true;
    throw signal.reason;
  };
  return (name) =>
    new Proxy(host(name), {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          check();
          return value.apply(target, args);
        };
      },
    });
}
