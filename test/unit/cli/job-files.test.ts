import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {luggageStory, packFiles} from '../../../src/cli/job-files.ts'
import {jobManifest} from '../../../src/cli/job-manifest.ts'

let folder: string
const home = process.cwd()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'job-files-'))
  await mkdir(join(folder, 'work', 'sub'), {recursive: true})
  await writeFile(join(folder, 'work', 'train.py'), 'print(1)')
  await writeFile(join(folder, 'work', 'sub', 'train.py'), 'print(2)')
  await writeFile(join(folder, 'outside.py'), 'print(3)')
  process.chdir(join(folder, 'work'))
})
afterEach(async () => {
  process.chdir(home)
  await rm(folder, {recursive: true})
})

const pack = async (command: string, ...extra: string[]) => {
  const {command: words, files} = await packFiles(command.split(' '), extra, process.cwd())
  return {command: words.join(' '), paths: files.map(({path}) => path)}
}

describe('the files of a job', () => {
  it('are those that its command names, at the same place', async () => {
    expect(await pack('python sub/train.py --lr 0.1')).toEqual({command: 'python sub/train.py --lr 0.1', paths: ['sub/train.py']})
  })

  it('come from elsewhere under their last name, and the command says so', async () => {
    expect(await pack('python ../outside.py')).toEqual({command: 'python outside.py', paths: ['outside.py']})
  })

  it('are joined by those of --file', async () => {
    expect(await pack('python train.py', 'sub/train.py')).toEqual({command: 'python train.py', paths: ['train.py', 'sub/train.py']})
  })

  it('are none for a command that names none', async () => {
    expect(await pack('python -m train --out result.py')).toEqual({command: 'python -m train --out result.py', paths: []})
    expect(await pack('python -c train.py')).toEqual({command: 'python -c train.py', paths: []})
  })

  it('are looked for in the image where the path is absolute', async () => {
    expect(await pack('python /opt/app/main.py')).toEqual({command: 'python /opt/app/main.py', paths: []})
  })

  it('stay here where an absolute path leads out of the folder, and that is told', async () => {
    const outside = join(folder, 'outside.py')
    const luggage = await packFiles(['python', 'train.py', '--key', outside], [], process.cwd())
    expect(luggage).toMatchObject({command: ['python', 'train.py', '--key', outside], files: [{path: 'train.py'}], left: [outside]})
    expect(luggageStory(luggage)).toBe(
      `takes along train.py\n"${outside}" is looked for in the image; --file takes the one of this machine along`,
    )
    expect(await pack(`python ${outside}`, outside)).toEqual({command: 'python outside.py', paths: ['outside.py']})
  })

  it('travel where an absolute path leads into the folder', async () => {
    expect(await pack(`python ${join(process.cwd(), 'sub', 'train.py')}`)).toEqual({
      command: 'python sub/train.py',
      paths: ['sub/train.py'],
    })
  })

  it('may be the program itself, which is run by its path and keeps its right to be run', async () => {
    await writeFile('run.sh', '#!/bin/sh', {mode: 0o755})
    await writeFile(join('sub', 'tr'), '#!/bin/sh', {mode: 0o755})
    const {command, files} = await packFiles(['./run.sh', './train.py'], [], process.cwd())
    expect(command).toEqual(['./run.sh', 'train.py'])
    expect(files.map(({path, isExecutable}) => [path, isExecutable])).toEqual([
      ['run.sh', true],
      ['train.py', false],
    ])
    expect((await pack('sub/tr a b')).command).toBe('sub/tr a b')
    const {spec} = jobManifest('j', undefined, command, files, {image: 'i', workers: 1} as never)
    expect(spec.job.spec.volumes).toMatchObject([{configMap: {items: [{path: 'run.sh', mode: 0o755}, {path: 'train.py'}]}}])
  })

  it('must exist where a script is named', async () => {
    await expect(pack('python missing.py')).rejects.toThrow('there is no file "missing.py" here')
    await expect(pack('python -u missing.py')).rejects.toThrow('there is no file "missing.py" here')
    await expect(pack('./missing.py')).rejects.toThrow('there is no file "./missing.py" here')
    await expect(pack('python train.py', 'gone.txt')).rejects.toThrow('there is no file "gone.txt" here')
  })

  it('need not exist where a later word names one that the program may write', async () => {
    expect((await pack('python train.py out.py')).paths).toEqual(['train.py'])
  })

  it('must not lie at the same place', async () => {
    await writeFile('outside.py', '')
    await expect(pack('python outside.py', '../outside.py')).rejects.toThrow('would lie at the same place')
  })

  it('must not have the same key in the ConfigMap', async () => {
    await writeFile('sub__train.py', '')
    await expect(pack('python sub/train.py', 'sub__train.py')).rejects.toThrow('would lie at the same place')
  })

  it('must fit into a ConfigMap', async () => {
    await writeFile('big.bin', Buffer.alloc(1_100_000))
    await expect(pack('python train.py', 'big.bin')).rejects.toThrow('the biggest is "big.bin"')
  })
})
