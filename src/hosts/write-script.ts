/** The exit code by which the script refuses a way that others can bend. */
export const BENT = 46;

/**
 * `put PATH MODE BYTES` writes the next BYTES of stdin to a file; `kept` sees that the names of all that was put are on disk. POSIX sh
 * with -e, and the coreutils of 2007.
 *
 * - The temporary file is made with O_EXCL (noclobber) and private from its first byte, on disk before it gets its name.
 *   It is counted first, by what dd(1) says (`12 bytes copied`): if lab dies, what it did not send is not there. A dd that cannot
 *   wait for a full block (coreutils 6 and older) reads byte by byte: nothing of what comes after.
 * - sync(1) of a directory is of coreutils 8.24; older ones sync everything.
 * - A link at the name is replaced, not followed, also one that leads to a directory (mv -T).
 * - Whoever can rename something on the way decides where the file lands. So all of the way, as it is said and as the links
 *   on it lead, has to belong to root or to oneself, and nobody else may write there, unless it is sticky like /tmp. That is
 *   looked at before anything is made; what is made then is in places that nobody else can change. A way that is `sure` is so
 *   until something else than `put` is done.
 *
 * /proc/self/ belongs to the stat that looks at it: so its line, the first, tells who one is.
 */
export const writeFunctions = `newline='
'
puts= sure=$newline
put() {
  path=$1 mode=$2 bytes=$3
  dir=\${path%/*}
  [ -n "$dir" ] || dir=/
  there=$dir
  while [ ! -d "$there" ]; do
    there=\${there%/*}
    [ -n "$there" ] || there=/
  done
  cd -P "$there"
  here=$PWD
  cd "$OLDPWD" 2> /dev/null || cd /
  set -- /
  for way in "$dir" "$here"; do
    left=\${way#/}/ walked=
    while [ -n "$left" ]; do
      walked=$walked/\${left%%/*} left=\${left#*/}
      case $sure in *"$newline$walked$newline"*) ;; *) set -- "$@" "$walked" ;; esac
    done
  done
  [ $# = 1 ] || LC_ALL=C stat -c '%u %g %A %n' /proc/self/ "$@" 2>/dev/null | {
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
  [ -d "$dir" ] || (umask 022; mkdir -p "$dir")
  for way; do sure=$sure$way$newline; done
  temp="$dir/.lab.$$.tmp"
  trap 'rm -f "$temp"' EXIT
  if [ -e "$temp" ] || [ -L "$temp" ]; then rm -f "$temp"; fi
  said=$(umask 077
set -C
LC_ALL=C dd iflag=fullblock bs=$((bytes + !bytes)) count=$((bytes > 0)) conv=fsync 2>&1 > "$temp") || case $said in
  *'input flag'*) said=$(LC_ALL=C dd bs=1 count="$bytes" conv=fsync 2>&1 > "$temp") ;;
  *) echo "$said" >&2; exit 1 ;;
  esac
  case $said in *"$newline$bytes byte"*) ;; *) exit 1 ;; esac
  chmod "$mode" "$temp"
  mv -fT "$temp" "$path"
  trap - EXIT
  case $puts in *"$newline$dir$newline"*) ;; *) puts=$puts$newline$dir$newline ;; esac
}
kept() {
  [ -n "$puts" ] || return 0
  IFS=$newline
  set -f
  sync $puts
  set +f
  unset IFS
  puts= sure=$newline
}
`;
