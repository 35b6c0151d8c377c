"""The command `completion`: scripts for shells, made from the parser itself."""

from __future__ import annotations

from .grammar import actions_of, command, commands_of, has_commands
from .text import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

    from .grammar import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Register the command."""
    _, own = command(
        commands,
        "completion",
        _run,
        "print a completion script for a shell",
        more="bash: source <(atlas-privatelink completion bash). zsh: the same, after compinit. "
        "fish: atlas-privatelink completion fish | source.",
        atlas=False,
        output=(),
    )
    own.add_argument("shell", choices=tuple(_SCRIPTS))


def _run(options: argparse.Namespace) -> int:
    print(_SCRIPTS[options.shell](dict(_places("", options.root))), end="")
    return 0


class _Place:
    """What can follow at one place of the command line: after a command, or at the very beginning."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.commands = {name: summary for name, summary, _ in commands_of(parser)}
        self.options: list[tuple[list[str], bool, tuple[str, ...], str]] = []
        """Names, whether a value follows, the values that can, and help."""
        self.values: tuple[str, ...] = ()
        """Values that can stand there without an option."""
        self.takes_file = False
        """Whether the name of a file can stand there without an option."""
        formatter = parser.formatter_class(prog=parser.prog)
        for action in actions_of(parser):
            if has_commands(action):
                continue
            choices = tuple(map(str, action.choices or ()))
            if action.option_strings:
                summary = formatter._expand_help(action)
                self.options.append((list(action.option_strings), action.nargs != 0, choices, summary))
            else:
                self.values += choices
                self.takes_file |= action.metavar == "FILE"

    @property
    def plain_words(self) -> list[tuple[str, str]]:
        """Commands and values that can be typed there, with what they mean."""
        return [*self.commands.items(), *((value, "") for value in self.values)]

    @property
    def flags(self) -> list[tuple[str, str]]:
        """Options that can be typed there, with what they mean."""
        return [(name, summary) for names, _, _, summary in self.options for name in names]


def _places(path: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, _Place]]:
    yield path, _Place(parser)
    for name, _, child in commands_of(parser):
        yield from _places(f"{path}/{name}", child)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _patterns(path: str, names: list[str]) -> str:
    return "|".join(_quoted(f"{path} {name}") for name in names)


# `$place` is the path of commands that were typed so far, such as `/service/create`
def _bash(places: Mapping[str, _Place]) -> str:
    after_option = "".join(
        f"    {_patterns(path, names)}) words={_quoted(' '.join(choices))} ;;\n"
        for path, place in places.items()
        for names, has_value, choices, _ in place.options
        if has_value
    )
    after_command = "".join(
        f"    {_quoted(path)}) words={_quoted(' '.join(word for word, _ in place.plain_words + place.flags))} ;;\n"
        for path, place in places.items()
    )
    known = "|".join(_quoted(path) for path in places if path)
    with_files = "|".join(_quoted(path) for path, place in places.items() if place.takes_file)
    return f"""\
_atlas_privatelink() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} place= word words=
  # bash splits --option=value into three words
  if [[ $current == '=' ]]; then
    current=
  elif [[ $previous == '=' && COMP_CWORD -gt 1 ]]; then
    previous=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$place/$word" in
    {known}) place=$place/$word ;;
    esac
  done
  case "$place $previous" in
{after_option}    *)
    case "$place" in
{after_command}    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  # where nothing else fits, bash itself completes the names of files
  case "$place" in
  {with_files}) if [[ $current != -* ]]; then compopt -o default 2>/dev/null; COMPREPLY=(); fi ;;
  esac
}}
complete -F _atlas_privatelink {PROGRAM}
"""


def _zsh(places: Mapping[str, _Place]) -> str:
    def described(words: list[tuple[str, str]]) -> str:
        return " ".join(_quoted(f"{word}:{summary}" if summary else word) for word, summary in words)

    after_option = "".join(
        f"    ({_patterns(path, names)}) candidates=({' '.join(map(_quoted, choices))}) ;;\n"
        for path, place in places.items()
        for names, has_value, choices, _ in place.options
        if has_value
    )
    after_command = "".join(
        f"      ({_quoted(path)}) candidates=({described(place.plain_words)}) flags=({described(place.flags)})"
        f"{' files=1' if place.takes_file else ''} ;;\n"
        for path, place in places.items()
    )
    known = "|".join(_quoted(path) for path in places if path)
    return f"""\
#compdef {PROGRAM}
_atlas_privatelink() {{
  local place= word previous=$words[CURRENT-1] files=
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$place/$word" in
    ({known}) place=$place/$word ;;
    esac
  done
  local -a candidates flags
  if [[ $PREFIX == --*=* ]]; then
    previous=${{PREFIX%%=*}}
    compset -P '*='
  fi
  case "$place $previous" in
{after_option}    (*)
      case "$place" in
{after_command}      esac ;;
  esac
  [[ -z $files ]] || _files
  _describe {PROGRAM} candidates
  _describe -o {PROGRAM} flags
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _atlas_privatelink "$@"
else
  compdef _atlas_privatelink {PROGRAM}
fi
"""


def _fish(places: Mapping[str, _Place]) -> str:
    lines: list[str] = []
    for path, place in places.items():
        at = f"complete -c {PROGRAM} -n '__atlas_privatelink_at \"{path}\"'"
        lines += [f"{at} -a {_quoted(name)} -d {_fish_quoted(summary)}" for name, summary in place.commands.items()]
        lines += [f"{at} -a {_quoted(value)}" for value in place.values]
        lines += [f"{at} -F"] if place.takes_file else []
        for names, has_value, choices, summary in place.options:
            flags = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in names)
            value = f" -x -a {_quoted(' '.join(choices))}" if has_value else ""
            lines.append(f"{at} {flags}{value} -d {_fish_quoted(summary)}")
    known = " ".join(path for path in places if path)
    body = "\n".join(lines)
    return f"""\
function __atlas_privatelink_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    if contains -- "$place/$word" {known}
      set place "$place/$word"
    end
  end
  test "$place" = "$argv[1]"
end
complete -c {PROGRAM} -f
{body}
"""


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS: Mapping[str, Callable[[Mapping[str, _Place]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
