/** The exit code by which the script refuses a way that others can bend. */
export const BENT = 46;

/**
 * Writes stdin to a file: `sh -c SCRIPT sh PATH MODE BYTES`; POSIX sh and the coreutils of 2007.
 *
 * - The temporary file is made with O_EXCL (noclobber) and private from its first byte, on disk before it gets its name.
 *   It is counted first, by what dd(1) says (`12 bytes copied`): if lab dies, what it did not send is not there. The name is on disk too in the end: sync(1) of a
 *   directory (coreutils 8.24; older ones sync everything).
 * - A link at the name is replaced, not followed, also one that leads to a directory (mv -T).
 * - Whoever can rename something on the way decides where the file lands. So all of the way, as it is said and as the links
 *   on it lead, has to belong to root or to oneself, and nobody else may write there, unless it is sticky like /tmp. That is
 *   looked at before anything is made; what is made then is in places that nobody else can change.
 *
 * /proc/self/ belongs to the stat that looks at it: so its line, the first, tells who one is.
 */
export const writeScript = `set -e
path=$1 mode=$2 bytes=$3
umask 022
dir=\${path%/*}
[ -n "$dir" ] || dir=/
there=$dir
while [ ! -d "$there" ]; do
  there=\${there%/*}
  [ -n "$there" ] || there=/
done
cd -P "$there"
here=$PWD
cd /
set -- /
for way in "$dir" "$here"; do
  left=\${way#/}/ walked=
  while [ -n "$left" ]; do
    walked=$walked/\${left%%/*} left=\${left#*/}
    set -- "$@" "$walked"
  done
done
LC_ALL=C stat -c '%u %g %A %n' /proc/self/ "$@" 2>/dev/null | {
  read -r me mine rest
  while read -r owner group bits name; do
    why=
    case $owner in 0 | "$me") ;; *) why="belongs to user $owner" ;; esac
    case $bits in
    d????????[tT]) ;;
    d???????w?) why='can be written by everybody' ;;
    d????w???*) case $group in 0 | "$mine") ;; *) why="can be written by group $group" ;; esac ;;
    esac
    [ -z "$why" ] || { echo "$name $why" >&2; exit ${BENT}; }
  done
}
[ -d "$dir" ] || mkdir -p "$dir"
umask 077
temp="$dir/.lab.$$.tmp"
trap 'rm -f "$temp"' EXIT
if [ -e "$temp" ] || [ -L "$temp" ]; then rm -f "$temp"; fi
set -C
said=$(LC_ALL=C dd conv=fsync 2>&1 > "$temp")
set +C
case $said in *"
$bytes byte"*) ;; *) exit 1 ;; esac
chmod "$mode" "$temp"
mv -fT "$temp" "$path"
sync "$dir"
trap - EXIT`;
