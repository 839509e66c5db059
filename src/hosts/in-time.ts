import { Unreachable } from '../model/errors.ts';

/** What is awaited of a host for so many milliseconds. @throws Unreachable when they are over */
export async function inTime<T>(limit: number, host: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `no answer within ${Math.round(limit / 1000)} s`;
    timer = setTimeout(() => reject(new Unreachable(host, why)), limit);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
