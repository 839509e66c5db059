import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDomainFile } from '../../src/formats/domain-file.ts';
import { domainXml, readDomainXml, sameDomain } from '../../src/formats/domain-xml.ts';
import { BadInput } from '../../src/model/errors.ts';

const molly = `name = "molly"
uuid = "8d1a8210-69de-4c55-8cf8-deb2356fc7b2"
maxmem = 512
memory = 256
vcpus = 1
bootloader = "/usr/bin/pygrub"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "restart"
vfb = [  ]
disk = [ "tap:aio:/guests/molly.img,xvda,w", "tap:aio:/guests/quorum.dsk,xvdb,w!", "phy:/dev/vg/a & b,xvdc,r" ]
vif = [ "mac=00:16:3E:00:cf:fe,bridge=xenbr0" ]
`;
const options = { shared: ['/dev/vg/a & b'], mark: { lab: 'lolcats', guest: 'molly' } };
const xmlOf = (text: string) => domainXml(readDomainFile(text, '/etc/xen/molly'), options);

const expected = `<domain type="xen">
  <name>molly</name>
  <uuid>8d1a8210-69de-4c55-8cf8-deb2356fc7b2</uuid>
  <metadata>
    <lab:guest xmlns:lab="urn:cluster-lab" lab="lolcats" guest="molly"/>
  </metadata>
  <memory unit="MiB">512</memory>
  <currentMemory unit="MiB">256</currentMemory>
  <vcpu>1</vcpu>
  <bootloader>pygrub</bootloader>
  <os>
    <type arch="x86_64" machine="xenpv">linux</type>
  </os>
  <clock offset="utc">
    <timer name="tsc" mode="native"/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>restart</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw"/>
      <source file="/guests/molly.img"/>
      <target dev="xvda" bus="xen"/>
    </disk>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw"/>
      <source file="/guests/quorum.dsk"/>
      <target dev="xvdb" bus="xen"/>
      <shareable/>
    </disk>
    <disk type="block" device="disk">
      <driver name="qemu" type="raw"/>
      <source dev="/dev/vg/a &amp; b"/>
      <target dev="xvdc" bus="xen"/>
      <readonly/>
      <shareable/>
    </disk>
    <interface type="bridge">
      <mac address="00:16:3e:00:cf:fe"/>
      <source bridge="xenbr0"/>
    </interface>
    <console type="pty">
      <target type="xen" port="0"/>
    </console>
  </devices>
</domain>
`;

/** As `virsh dumpxml --inactive` prints the same domain: other quotes and units, things added. */
const dumped = `<domain type='xen'>
  <name>molly</name>
  <uuid>8d1a8210-69de-4c55-8cf8-deb2356fc7b2</uuid>
  <metadata>
    <lab:guest xmlns:lab="urn:cluster-lab" lab="lolcats" guest="molly"/>
  </metadata>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>262144</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <bootloader>pygrub</bootloader>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
  </os>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>restart</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/guests/molly.img'/>
      <target dev='xvda' bus='xen'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw'/>
      <source dev='/dev/vg/a &amp; b'/>
      <target dev='xvdc' bus='xen'/>
      <readonly/>
      <shareable/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/guests/quorum.dsk'/>
      <target dev='xvdb' bus='xen'/>
      <shareable/>
    </disk>
    <controller type='xenbus' index='0'/>
    <interface type='bridge'>
      <mac address='00:16:3e:00:cf:fe'/>
      <source bridge='xenbr0'/>
    </interface>
    <console type='pty'>
      <target type='xen' port='0'/>
    </console>
    <memballoon model='xen'/>
  </devices>
</domain>
`;

describe('writing', () => {
  test("the document's guest", () => expect(xmlOf(molly)).toBe(expected));

  test('defaults, and a CD drive without a disk', () => {
    const facts = readDomainXml(xmlOf("name = 'a'\nmemory = '64'\ndisk = [ ',hdc:cdrom,r' ]\nvif = ['']"));
    expect(facts).toMatchObject({ name: 'a', uuid: '', memoryMiB: 64, maxMemoryMiB: 64, vcpus: 1, bootloader: '' });
    expect(facts.lifecycle).toEqual(['destroy', 'restart', 'destroy']);
    expect(facts.disks).toMatchObject([{ path: '', device: 'hdc', readonly: true, shareable: false }]);
    expect(facts.interfaces).toEqual([{ mac: '', bridge: 'xenbr0' }]);
  });

  test.each([
    ['memory = 64', '/etc/xen/molly: `name` is missing'],
    ['name = "a"', '/etc/xen/molly: `memory` is missing'],
    ['name = "a"\nmemory = "much"', '/etc/xen/molly:2:1: `memory` is not a whole number'],
    ['name = 5\nmemory = 64', '/etc/xen/molly:1:1: `name` is not a string'],
    ['name = "a"\nmemory = 64\ndisk = "x"', '/etc/xen/molly:3:1: `disk` is not a list'],
    [
      'name = "a"\nmemory = 32 * 2',
      '/etc/xen/molly:2:1: `memory` is decided by Python code, which lab does not execute',
    ],
    [
      'name = "a"\nmemory, maxmem = 1, 2',
      '/etc/xen/molly:2:1: `memory` is decided by Python code, which lab does not execute',
    ],
    ['builder = "hvm"', '/etc/xen/molly:1:1: `builder = "hvm"` is no paravirtualized guest'],
    ['pci = [ "0:1.0" ]', '/etc/xen/molly:1:1: `pci` has no translation into libvirt XML here'],
    ['name = "a"\nmemory = 64\non_crash = "dance"', '/etc/xen/molly:3:1: `dance` is no action'],
    ['name = "a"\nmemory = 64\ndisk = [ "x" ]', '/etc/xen/molly:3:1: disk `x`: the device is missing'],
    ['name = "a\\x01"\nmemory = 64', 'XML: "a\\u0001" has a character that XML cannot hold'],
  ])('%j is refused', (text, message) => {
    expect(() => xmlOf(text)).toThrow(BadInput);
    expect(() => xmlOf(text)).toThrow(message);
  });
});

describe('reading', () => {
  test('all that lab cares about', () => {
    expect(readDomainXml(dumped)).toEqual({
      name: 'molly',
      uuid: '8d1a8210-69de-4c55-8cf8-deb2356fc7b2',
      memoryMiB: 256,
      maxMemoryMiB: 512,
      vcpus: 1,
      bootloader: 'pygrub',
      lifecycle: ['destroy', 'restart', 'restart'],
      disks: [
        { path: '/guests/molly.img', device: 'xvda', shareable: false, readonly: false, format: 'raw', driver: 'qemu' },
        { path: '/dev/vg/a & b', device: 'xvdc', shareable: true, readonly: true, format: 'raw', driver: 'qemu' },
        { path: '/guests/quorum.dsk', device: 'xvdb', shareable: true, readonly: false, format: 'raw', driver: 'qemu' },
      ],
      interfaces: [{ mac: '00:16:3e:00:cf:fe', bridge: 'xenbr0' }],
      mark: { lab: 'lolcats', guest: 'molly' },
    });
  });

  test('what has no mark of ours has none', () => {
    expect(readDomainXml(dumped.replace('urn:cluster-lab', 'urn:other')).mark).toBeUndefined();
    expect(readDomainXml(dumped.replace(/<metadata>.*<\/metadata>/s, '')).mark).toBeUndefined();
  });

  test.each([
    ['', 'not well-formed XML'],
    ['<domain>', 'not well-formed XML'],
    ['<domain><name>a</domain>', 'not well-formed XML'],
    ['<network/>', '<domain> was expected, not <network>'],
    ['<domain><memory>much</memory></domain>', '<memory> holds no whole number but `much`'],
    ['<domain><memory unit="toString">5</memory></domain>', '<memory> is in an unknown unit `toString`'],
  ])('%j is refused', (xml, message) => {
    expect(() => readDomainXml(xml)).toThrow(BadInput);
    expect(() => readDomainXml(xml)).toThrow(message);
  });

  test('nothing but BadInput is thrown for broken XML', () => {
    fc.assert(
      fc.property(fc.nat({ max: dumped.length }), fc.nat({ max: 20 }), fc.string(), (at, length, put) => {
        try {
          readDomainXml(dumped.slice(0, at) + put + dumped.slice(at + length));
        } catch (error) {
          expect(error).toBeInstanceOf(BadInput);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('comparing', () => {
  const wanted = readDomainXml(expected);
  test('ours and what libvirt made of it are the same', () =>
    expect(sameDomain(wanted, readDomainXml(dumped))).toEqual([]));

  test.each([
    ["<vcpu placement='static'>1", '<vcpu>2', 'vcpus: 2 found, 1 wanted'],
    ['>262144<', '>131072<', 'memory: 128 MiB found, 256 MiB wanted'],
    ['lab="lolcats"', 'lab="other"', 'lab mark: lab other, guest molly found, lab lolcats, guest molly wanted'],
    ['cf:fe', 'cf:ff', 'interface 0: 00:16:3e:00:cf:ff on xenbr0 found, 00:16:3e:00:cf:fe on xenbr0 wanted'],
    ["dev='xvda'", "dev='xvdd'", 'disk xvda: none found, /guests/molly.img, driver qemu/raw wanted'],
    [
      "<driver name='qemu'",
      "<driver name='phy'",
      'disk xvda: /guests/molly.img, driver phy/raw found, /guests/molly.img, driver qemu/raw wanted',
    ],
    [
      '<shareable/>\n    </disk>\n    <controller',
      '</disk>\n<controller',
      'disk xvdb: /guests/quorum.dsk, driver qemu/raw found, /guests/quorum.dsk, driver qemu/raw, shareable wanted',
    ],
    [
      '<on_reboot>restart',
      '<on_reboot>destroy',
      'lifecycle (poweroff, reboot, crash): destroy, destroy, restart found, destroy, restart, restart wanted',
    ],
  ])('%j for %j is told', (from, to, says) => {
    expect(dumped).toContain(from);
    expect(sameDomain(wanted, readDomainXml(dumped.replace(from, to)))[0]).toBe(says);
  });
});
