"""tollbar completion: a completion script for the shell, made from the commands themselves."""

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from tollbar.commands import parsers

EXAMPLES = """
  eval "$(tollbar completion)"
  tollbar completion > /etc/bash_completion.d/tollbar
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "completion", run, "print a bash completion script", EXAMPLES
    )
    parser.add_argument("shell", nargs="?", choices=("bash",), default="bash")


def run(args: Namespace) -> int:
    print(script(words(args.whole())))
    return 0


def words(top: ArgumentParser) -> dict[str, list[str]]:
    """Every command's options and choices."""
    found: dict[str, list[str]] = {}
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, parser in action.choices.items():
                found[name] = list(dict.fromkeys(within(parser)))
    return found


def within(parser: ArgumentParser) -> Iterator[str]:
    """A command's options and choices, those of its verbs too."""
    for option in parser._actions:
        yield from (word for word in option.option_strings if word[:2] == "--")
        if not option.option_strings and option.choices:
            yield from map(str, option.choices)
        if isinstance(option, argparse._SubParsersAction):
            for verb in option.choices.values():
                yield from within(verb)


def script(commands: dict[str, list[str]]) -> str:
    cases = "\n".join(
        f'    {name}) words="{" ".join(options)}" ;;' for name, options in commands.items()
    )
    return f"""_tollbar() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} command= words=
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
    {"|".join(commands)}) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case ${{COMP_WORDS[COMP_CWORD-1]}} in
  -c|--config) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case $command in
{cases}
    *) words="{" ".join(commands)} --config --help --version" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _tollbar tollbar"""
