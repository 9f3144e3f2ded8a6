"""Completion of commands, flags and models for the user's shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_VARIABLE = "_QWENAGENT_COMPLETE"
"""What click derives from the program's name: in it a shell asks for words."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print what makes a shell complete commands, flags and models.

    \b
    bash   qwenagent completion bash >> ~/.bashrc
    zsh    qwenagent completion zsh >> ~/.zshrc
    fish   qwenagent completion fish > ~/.config/fish/completions/qwenagent.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    root = ctx.find_root()
    click.echo(kind(root.command, {}, str(root.info_name), _VARIABLE).source())
    return 0


class ModelName(click.ParamType[str]):
    """A name of `models list`, or a file, which a shell can complete."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the names, and files where none begins so."""
        from click.shell_completion import CompletionItem

        from qwenagent.registry import load_cards

        names = [name for name in load_cards() if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]
