import { bootRedHat } from './red-hat/boot.ts';
import { isRedHat } from './red-hat/release.ts';
import { startEnabled } from './units.ts';
import { type SimulatedOptions, World } from './world.ts';

/**
 * The power of dom0 goes, and comes back: its guests are off, loop mounts and whatever lay in memory (/run, /tmp, the
 * settings of the bridge) are gone, and what is enabled runs again. What was on the disk is there.
 */
export function rebootDom0(options: SimulatedOptions): void {
  const world = new World(options, true);
  const { state, dom0 } = world;
  world.images.mend();
  for (const name of Object.keys(state.running)) delete state.running[name];
  state.loops = [];
  const { services, loaded } = dom0.state;
  for (const unit of Object.keys(services)) delete services[unit];
  for (const unit of Object.keys(loaded)) delete loaded[unit];
  for (const directory of ['/run', '/tmp', '/var/run'])
    for (const name of dom0.tree.list(directory) ?? []) dom0.tree.remove(`${directory}/${name}`);
  for (const device of dom0.tree.list('/sys/class/net') ?? []) {
    const querier = `/sys/class/net/${device}/bridge/multicast_querier`;
    if (dom0.tree.has(querier)) dom0.tree.write(querier, '0\n');
  }
  state.clock += 60;
  if (isRedHat(dom0.tree)) bootRedHat(world, dom0);
  else startEnabled(world, dom0);
  world.save();
}
