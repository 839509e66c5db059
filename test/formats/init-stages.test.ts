import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failedStage, readStages, usualCause } from '../../src/formats/init-stages.ts';

/** As the document prints it. */
const document = `Starting cluster: 
   Enabling workaround for Xend bridged networking... done
   Loading modules... done
   Mounting configfs... done
   Starting ccsd... done
   Starting cman... done
   Starting daemons... done
   Starting fencing... done
   Starting virtual machine fencing host... done
                                                           [  OK  ]
`;
const failed2 = `Starting cluster: 
   Loading modules... done
   Starting ccsd... done
   Starting cman... failed
cman not started: Can't find local node name in cluster.conf /usr/sbin/cman_tool: aisexec daemon didn't start
                                                           [FAILED]
`;
const failed3 = `Starting cluster: 
   Checking if cluster has been disabled at boot...        [  OK  ]
   Checking Network Manager...                             [  OK  ]
   Starting cman...                                        [  OK  ]
   Waiting for quorum... Timed-out waiting for cluster
                                                           [FAILED]
Stopping cluster: 
   Leaving fence domain...                                 [  OK  ]
   Stopping cman...                                        [  OK  ]
`;

describe('the stages', () => {
  test('of a start of 2.x', () => {
    expect(readStages(document)).toEqual(
      [
        'Enabling workaround for Xend bridged networking',
        'Loading modules',
        'Mounting configfs',
        'Starting ccsd',
        'Starting cman',
        'Starting daemons',
        'Starting fencing',
        'Starting virtual machine fencing host',
      ].map((title) => ({ title, ok: true })),
    );
  });

  test('of a start of 2.x that failed', () => {
    expect(readStages(failed2)).toEqual([
      { title: 'Loading modules', ok: true },
      { title: 'Starting ccsd', ok: true },
      {
        title: 'Starting cman',
        ok: false,
        said: "cman not started: Can't find local node name in cluster.conf /usr/sbin/cman_tool: aisexec daemon didn't start",
      },
    ]);
  });

  test('of a start of 3.x that failed, without what it stopped then', () => {
    expect(readStages(failed3).map(({ title, ok }) => [title, ok])).toEqual([
      ['Checking if cluster has been disabled at boot', true],
      ['Checking Network Manager', true],
      ['Starting cman', true],
      ['Waiting for quorum', false],
    ]);
    expect(readStages(failed3).at(-1)?.said).toBe('Timed-out waiting for cluster');
  });

  test('of a stop', () => {
    const stdout = failed3.slice(failed3.indexOf('Stopping'));
    expect(readStages(stdout)).toEqual([
      { title: 'Leaving fence domain', ok: true },
      { title: 'Stopping cman', ok: true },
    ]);
  });

  test('on a terminal that knows colours', () => {
    const ok = '\u001b[60G[\u001b[0;32m  OK  \u001b[0;39m]\r\n';
    const stdout = `Starting cluster: \r\n   Global setup... ${ok}   Checking Network Manager... \r\nNetwork Manager is either running\u0007 or configured to run.\r\n\u001b[60G[\u001b[0;31mFAILED\u001b[0;39m]\r\n`;
    expect(readStages(stdout)).toEqual([
      { title: 'Global setup', ok: true },
      {
        title: 'Checking Network Manager',
        ok: false,
        said: 'Network Manager is either running  or configured to run.',
      },
    ]);
  });

  test('of a start that was cut off, or says more', () => {
    expect(readStages('   Starting qdiskd... action not required\n   Starting cman... ')).toEqual([
      { title: 'Starting qdiskd', ok: true },
      { title: 'Starting cman', ok: false },
    ]);
    expect(readStages('   Starting cman... Relax-NG validity error\n [WARNING]\n')).toEqual([
      { title: 'Starting cman', ok: true, said: 'Relax-NG validity error' },
    ]);
  });

  test('of something else are none', () => {
    expect(readStages('')).toEqual([]);
    expect(readStages('cman: unrecognized service\n')).toEqual([]);
  });

  test('nothing is thrown for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'  .a\n\r[]', 'done', '[  OK  ]', '...') }),
        (text) => void failedStage({ stdout: text }),
      ),
    );
  });
});

describe('the usual cause', () => {
  test.each([
    ['Checking Network Manager', '', 'chkconfig NetworkManager off'],
    ['Starting ccsd', '', 'see that the file is there'],
    ['Starting cman', 'xmlconfig cannot find /etc/cluster/cluster.conf', 'see that the file is there'],
    ['Starting cman', "cman not started: Can't find local node name in cluster.conf", 'make them the same'],
    ['Starting cman', 'Cannot find node name in cluster.conf\nUnable to get the configuration', 'make them the same'],
    ['Starting cman', "Can't determine address family of nodename", 'write it into /etc/hosts'],
    ['Starting cman', 'Timed-out waiting for cluster', 'start cman on all'],
    ['Starting cman', 'Corosync Cluster Engine is already running', 'service cman stop'],
    ['Starting cman', 'Cannot start, ais may already be running', 'service cman stop'],
    ['Starting cman', 'Found stale lock file', 'rm -f /var/lock/subsys/cman'],
    ['Waiting for quorum', '', 'two_node="1"'],
    ['Waiting for quorum', 'Timed-out waiting for cluster', 'two_node="1"'],
    ['Starting fencing', '', 'run the fencing test'],
    ['Joining fence domain', 'fence_tool: waiting', 'run the fencing test'],
    ['Starting virtual machine fencing host', '', 'fence_xvmd -h'],
    ['Loading modules', 'FATAL: Module dlm not found.', 'boot a kernel that has them'],
    ['Loading kernel modules', '', 'boot a kernel that has them'],
  ])('of %s, %j', (title, said, what) => expect(usualCause(title, said)).toContain(what));

  test('is not known of every stage', () => {
    expect(usualCause('Starting cmannotifyd')).toBeUndefined();
    expect(usualCause('Starting daemons', 'dlm_controld: no')).toBeUndefined();
  });
});

test('the stage that failed', () => {
  const ran = (stdout: string) => failedStage({ stdout });
  expect(ran(document)).toBeUndefined();
  expect(ran(failed3)).toMatch(
    /^it failed at: Waiting for quorum \(Timed-out waiting for cluster\)\nthe other nodes are not/,
  );
  expect(ran('   Starting cmannotifyd... [FAILED]')).toBe('it failed at: Starting cmannotifyd');
});
