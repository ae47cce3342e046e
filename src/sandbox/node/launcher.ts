/**
 * The few lines of Python that stand between the node and a container's program: a session of its own, death with the node, limits as
 * Dask reads them, volumes at their paths in a mount namespace; then the program takes its place. What goes wrong before that is told
 * as JSON on file descriptor 3, which closes when the program has taken over.
 */
export const LAUNCHER = `
import ctypes, json, os, resource, signal, sys
spec = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def fail(reason, message):
    os.write(3, json.dumps({"reason": reason, "message": message}).encode())
    os._exit(128)
def call(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)
libc.prctl(1, signal.SIGKILL)
if os.getppid() != spec["parent"]:
    os._exit(137)
if spec.get("setsid", True):
    os.setsid()
if spec.get("memory"):
    resource.setrlimit(resource.RLIMIT_RSS, (spec["memory"], spec["memory"]))
if spec.get("cpus"):
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[: spec["cpus"]])
NEWNS, NEWUSER, BIND, REC, PRIVATE, RDONLY, REMOUNT = 0x20000, 0x10000000, 4096, 16384, 1 << 18, 1, 32
NOSUID, NODEV, NOEXEC = 2, 4, 8
# File systems of this container alone, in which folders may be made.
OURS = set()
def mount(source, target, kind=None, flags=0):
    call(libc.mount(source and source.encode(), target.encode(), kind and kind.encode(), flags, None), target)
def enter(root):
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        call(libc.unshare(NEWNS), "mount namespace")
    else:
        call(libc.unshare(NEWNS | NEWUSER), "user namespace")
        for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open("/proc/self/" + file, "w") as out:
                out.write(text)
    mount(None, "/", None, REC | PRIVATE)
    mount("tmpfs", root, "tmpfs")
    OURS.add(os.stat(root).st_dev)
    mirror("/", root, [root])
def mirror(source, target, leave=()):
    for name in os.listdir(source):
        here, there = os.path.join(source, name), os.path.join(target, name)
        try:
            if os.path.islink(here):
                os.symlink(os.readlink(here), there)
            elif os.path.isdir(here):
                os.mkdir(there)
                mount(here, there, None, BIND | REC)
            else:
                open(there, "w").close()
                mount(here, there, None, BIND)
        except FileNotFoundError:
            # Gone since the folder was read; what was made for it is gone from the copy too.
            if os.path.lexists(there):
                os.rmdir(there) if os.path.isdir(there) else os.remove(there)
def place(root, path, is_dir):
    current = ""
    parts = [part for part in path.split("/") if part]
    for index, part in enumerate(parts):
        parent, current = current, current + "/" + part
        there = root + os.path.realpath(current) if os.path.exists(root + current) else root + current
        if os.path.exists(there):
            continue
        holder = root + (parent or "/")
        try:
            writable = os.stat(holder).st_dev in OURS
        except OSError:
            writable = False
        if not writable:
            mount("tmpfs", holder, "tmpfs")
            OURS.add(os.stat(holder).st_dev)
            mirror(parent, holder)
        if index < len(parts) - 1 or is_dir:
            os.mkdir(root + current)
        else:
            open(root + current, "w").close()
    return root + path
if spec.get("mounts"):
    try:
        enter(spec["root"])
        for source, target, read_only in sorted(spec["mounts"], key=lambda each: each[1]):
            # A link on the way (/var/run) would lead out of the new root, to the machine's own files.
            there = place(spec["root"], os.path.realpath(target), os.path.isdir(source))
            mount(source, there, None, BIND | REC)
            if read_only:
                # What else holds for the disk stays: only root may take it away.
                mount(None, there, None, BIND | REMOUNT | RDONLY | os.statvfs(there).f_flag & (NOSUID | NODEV | NOEXEC))
        os.chroot(spec["root"])
    except OSError as error:
        fail("CreateContainerError", f"its volumes cannot be mounted: {error.strerror} ({error.filename}); a mount namespace is needed for them")
try:
    os.chdir(spec["cwd"])
except OSError as error:
    fail("CreateContainerError", f"its working directory {spec['cwd']} cannot be entered: {error.strerror}")
os.set_inheritable(3, False)
try:
    os.execvpe(spec["argv"][0], spec["argv"], os.environ)
except OSError as error:
    fail("StartError", f'exec: "{spec["argv"][0]}": ' + ("executable file not found in $PATH" if error.errno == 2 else error.strerror))
`
