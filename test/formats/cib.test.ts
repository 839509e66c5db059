import { describe, expect, test } from 'vitest';
import { fencingResources, missingFromCib } from '../../src/formats/cib.ts';
import { BadInput } from '../../src/model/errors.ts';

const wish = {
  guests: ['frederick', 'molly'],
  key: '/etc/cluster/fence_xvm.key',
  address: '225.0.0.12',
  port: 1229,
  delayed: { guest: 'molly', seconds: 5 },
};
const wanted = fencingResources(wish);

describe('the fencing of a cluster', () => {
  test('its properties', () => {
    expect(wanted.crm_config).toBe(`<crm_config>
  <cluster_property_set id="cib-bootstrap-options">
    <nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="true"/>
    <nvpair id="cib-bootstrap-options-no-quorum-policy" name="no-quorum-policy" value="freeze"/>
    <nvpair id="cib-bootstrap-options-stonith-timeout" name="stonith-timeout" value="125s"/>
  </cluster_property_set>
</crm_config>`);
  });

  test('a resource for each guest', () => {
    const of = (guest: string, delay: string) => `  <primitive id="fence-${guest}" class="stonith" type="fence_xvm">
    <instance_attributes id="fence-${guest}-instance_attributes">
      <nvpair id="fence-${guest}-instance_attributes-pcmk_host_map" name="pcmk_host_map" value="${guest}:${guest}"/>
      <nvpair id="fence-${guest}-instance_attributes-pcmk_delay_base" name="pcmk_delay_base" value="${delay}"/>
      <nvpair id="fence-${guest}-instance_attributes-key_file" name="key_file" value="/etc/cluster/fence_xvm.key"/>
      <nvpair id="fence-${guest}-instance_attributes-multicast_address" name="multicast_address" value="225.0.0.12"/>
      <nvpair id="fence-${guest}-instance_attributes-ipport" name="ipport" value="1229"/>
      <nvpair id="fence-${guest}-instance_attributes-timeout" name="timeout" value="30"/>
    </instance_attributes>
    <operations>
      <op id="fence-${guest}-monitor" name="monitor" interval="60s" timeout="40s"/>
    </operations>
  </primitive>`;
    expect(wanted.resources).toBe(`<resources>\n${of('frederick', '0s')}\n${of('molly', '5s')}\n</resources>`);
  });

  test('each kept off the guest that it fences', () => {
    expect(wanted.constraints).toBe(`<constraints>
  <rsc_location id="fence-frederick-not-on-frederick" rsc="fence-frederick" node="frederick" score="-INFINITY"/>
  <rsc_location id="fence-molly-not-on-molly" rsc="fence-molly" node="molly" score="-INFINITY"/>
</constraints>`);
  });

  test('without a delay, on a slow machine', () => {
    const { delayed: _, ...rest } = wish;
    const slow = fencingResources({ ...rest, scale: 2.5 });
    expect(slow.resources).not.toContain('pcmk_delay_base');
    expect(slow.crm_config).toContain('name="stonith-timeout" value="300s"');
    expect(slow.resources).toContain('name="timeout" value="75"');
    expect(slow.resources).toContain('interval="60s" timeout="100s"');
  });
});

describe('what a CIB misses', () => {
  const cib = (config: string, resources: string, constraints: string) => `<cib crm_feature_set="3.16.2" epoch="7">
<configuration>${config}<nodes/>${resources}${constraints}</configuration><status/></cib>`;
  const full = cib(wanted.crm_config, wanted.resources, wanted.constraints);

  test('is nothing if all is there', () => expect(missingFromCib(full, wanted)).toEqual([]));

  test('is nothing if others added to it', () => {
    const richer = full
      .replace('<nvpair id="cib-bootstrap-options-stonith-enabled"', '<nvpair id="x" name="y" value="z"/>$&')
      .replace('<primitive id="fence-molly"', '<primitive id="Filesystem" class="ocf" type="x"/>$& description="ours"')
      .replace('</operations>', '<op id="start" name="start" interval="0s"/></operations>');
    expect(missingFromCib(richer, wanted)).toEqual([]);
  });

  test('is everything on an empty one', () => {
    const says = missingFromCib(cib('<crm_config/>', '<resources/>', '<constraints/>'), wanted).map((one) => one.says);
    expect(says).toEqual([
      'cluster_property_set cib-bootstrap-options: absent',
      'primitive fence-frederick: absent',
      'primitive fence-molly: absent',
      'rsc_location fence-frederick-not-on-frederick: absent',
      'rsc_location fence-molly-not-on-molly: absent',
    ]);
    expect(missingFromCib('<cib/>', wanted).map((one) => one.says)).toEqual([
      'crm_config: absent',
      'resources: absent',
      'constraints: absent',
    ]);
  });

  test.each([
    [
      'value="freeze"',
      'value="stop"',
      'crm_config',
      'nvpair cib-bootstrap-options-no-quorum-policy: value is "stop", not "freeze"',
    ],
    [
      ' score="-INFINITY"',
      '',
      'constraints',
      'rsc_location fence-frederick-not-on-frederick: score is not set, not "-INFINITY"',
    ],
    ['timeout="40s"', 'timeout="20s"', 'resources', 'op fence-frederick-monitor: timeout is "20s", not "40s"'],
    [
      '<nvpair id="fence-molly-instance_attributes-ipport" name="ipport" value="1229"/>',
      '',
      'resources',
      'nvpair fence-molly-instance_attributes-ipport: absent',
    ],
    ['primitive id="fence-molly"', 'primitive id="other"', 'resources', 'primitive fence-molly: absent'],
  ])('%j instead of %j', (from, to, section, says) => {
    expect(full).toContain(from);
    expect(missingFromCib(full.replace(from, to), wanted)).toEqual([{ section, says }]);
  });

  test('cannot be told of something else', () => {
    expect(() => missingFromCib('', wanted)).toThrow(BadInput);
    expect(() => missingFromCib('<crm_mon/>', wanted)).toThrow('cibadmin -Q:1:1: <cib> was expected, not <crm_mon>');
  });
});
