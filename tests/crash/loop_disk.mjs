// A disk of one's own, in a file: it can be filled up, and its power can be cut. What mounts it
// runs in namespaces of its own (see run), so that no mount and no process outlives the test.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const kCutPower = fileURLToPath(new URL('cut_power.py', import.meta.url));
const kBootId = '/proc/sys/kernel/random/boot_id';

const exec = promisify(execFile);

export class LoopDisk {
  // An ext4 of so many bytes, mounted at `mountPoint`; its image is made in `folder`.
  static async make(folder, bytes) {
    const disk = new LoopDisk(folder);
    await mkdir(disk.mountPoint);
    const image = await open(disk.image, 'wx');
    await image.close();
    await truncate(disk.image, bytes);
    await exec('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'nodiscard', disk.image]);
    await disk.mount();
    await writeFile(disk.bootId, `${randomUUID()}\n`);
    await exec('mount', ['--bind', disk.bootId, kBootId]);
    return disk;
  }

  constructor(folder) {
    this.image = join(folder, 'disk.img');
    this.mountPoint = join(folder, 'disk');
    this.bootId = join(folder, 'boot_id');
  }

  mount() {
    return exec('mount', ['-o', 'loop', this.image, this.mountPoint]);
  }

  unmount() {
    return exec('umount', [this.mountPoint]);
  }

  // Stops that process where it is; from then on nothing reaches the disk any more, not even what
  // the file system has in its journal's buffer.
  cutPower(pid) {
    return exec('python3', [kCutPower, this.mountPoint, String(pid)]);
  }

  // From then on every write and every sync is an I/O error, for whoever uses the disk.
  fail() {
    return exec('python3', [kCutPower, this.mountPoint]);
  }

  // What a machine does that has power again: another boot, and the file system's own recovery.
  async powerOn() {
    await this.unmount();
    await writeFile(this.bootId, `${randomUUID()}\n`);
    await this.mount();
  }
}
