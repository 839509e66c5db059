import { type CibSections, pairs } from './cib.ts';
import { element } from './xml.ts';

export interface StorageWish {
  /** In the guests: /dev/xvdc. */
  readonly device: string;
  readonly directory: string;
  /** How much slower than the reference machine this one is: time-outs grow by it. Default 1. */
  readonly scale?: number;
}

/** Ids of the resources: clones that run on every node. */
export const storageIds = { dlm: 'dlm', fileSystem: 'shared-storage' } as const;

/**
 * What Pacemaker has to know for a GFS2 on all nodes: the lock manager (ocf:pacemaker:controld) and, where it runs, the file
 * system (ocf:heartbeat:Filesystem), both cloned and interleaved, so that a node waits for its own lock manager only.
 */
export function storageResources({ device, directory, scale = 1 }: StorageWish): CibSections {
  const operations = (id: string, times: Readonly<Record<string, number>>) =>
    element(
      'operations',
      {},
      Object.entries(times).map(([name, seconds]) =>
        element('op', {
          id: `${id}-${name}`,
          name,
          interval: name === 'monitor' ? '60s' : '0s',
          timeout: `${Math.ceil(seconds * scale)}s`,
        }),
      ),
    );
  const clone = (id: string, primitive: string) =>
    element('clone', { id: `${id}-clone` }, [
      pairs('meta_attributes', `${id}-clone-meta_attributes`, { interleave: 'true' }),
      primitive,
    ]);
  const { dlm, fileSystem } = storageIds;
  const controld = element('primitive', { id: dlm, class: 'ocf', provider: 'pacemaker', type: 'controld' }, [
    operations(dlm, { monitor: 20, start: 90, stop: 100 }),
  ]);
  const mounted = element('primitive', { id: fileSystem, class: 'ocf', provider: 'heartbeat', type: 'Filesystem' }, [
    pairs('instance_attributes', `${fileSystem}-instance_attributes`, {
      device,
      directory,
      fstype: 'gfs2',
      options: 'noatime',
    }),
    operations(fileSystem, { monitor: 40, start: 60, stop: 60 }),
  ]);
  const [first, then] = [`${dlm}-clone`, `${fileSystem}-clone`];
  return {
    crm_config: element('crm_config', {}, []),
    resources: element('resources', {}, [clone(dlm, controld), clone(fileSystem, mounted)]),
    constraints: element('constraints', {}, [
      element('rsc_order', { id: `${fileSystem}-after-${dlm}`, first, then }),
      element('rsc_colocation', { id: `${fileSystem}-with-${dlm}`, rsc: then, 'with-rsc': first, score: 'INFINITY' }),
    ]),
  };
}
