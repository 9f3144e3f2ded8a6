"""What defines something in each language, by the types of its nodes. Walks no trees."""

from qwenagent.syntax.rules import cfamily, java, named, php, ruby
from qwenagent.syntax.rules.values import Kind, Rules

__all__ = ["Kind", "Rules", "rules_of"]

_RULES = {
    "java": java.RULES,
    "c": cfamily.RULES,
    "cpp": cfamily.RULES,
    "ruby": ruby.RULES,
    "php": php.RULES,
}


def rules_of(language: str) -> Rules:
    """Return the rules of a language that has a grammar."""
    return _RULES.get(language, named.RULES)
