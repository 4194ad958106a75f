"""An expression's tokens, one after the other, for its parser."""

from typing import Final, NoReturn

from flowforge.engine.expressions.errors import ExpressionSyntaxError, Position, Reason
from flowforge.engine.expressions.tokens import Token, tokens

MAX_DEPTH: Final = 64
"""How deep an expression may nest: each bracket, branch of `? :`, sign before an operand, and operand to the right of
an operator is one deeper than what it stands in."""


class TokenStream:
    """The tokens that are still to be read, and how deep the parser is in them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._depth = 0
        self.token = next(self._tokens)

    def take(self) -> Token:
        """Return the next token and go on to the one after it."""
        taken = self.token
        if taken.kind != "end":
            self.token = next(self._tokens)
        return taken

    def at_sign(self, *signs: str) -> bool:
        """Tell whether the next token is one of these signs."""
        return self.token.text in signs

    def take_sign(self, sign: str) -> bool:
        """Go on after the next token when it is this sign, and tell whether it was."""
        found = self.token.text == sign
        if found:
            self.take()
        return found

    def expect_sign(self, sign: str) -> None:
        """Go on after the next token, which must be this sign.

        Raises:
            ExpressionSyntaxError: it is not.
        """
        if not self.take_sign(sign):
            self.refuse_token(f"`{sign}` is missing before it")

    def descend(self) -> None:
        """Go one deeper.

        Raises:
            ExpressionSyntaxError: that is too deep.
        """
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.refuse(Reason.TOO_DEEP, f"this nests deeper than {MAX_DEPTH}", self.token.at)

    def ascend(self) -> None:
        """Come back from one deeper."""
        self._depth -= 1

    def refuse_token(self, why: str) -> NoReturn:
        """Refuse the next token.

        Raises:
            ExpressionSyntaxError: always.
        """
        if self.token.kind == "end":
            self.refuse(Reason.UNEXPECTED_END, f"the expression ends here, but {why}", self.token.at)
        shown = f"`{self.token.text}`" if len(self.token.text) <= 32 else f"this {self.token.kind}"
        self.refuse(Reason.UNEXPECTED_TOKEN, f"{shown} cannot stand here: {why}", self.token.at)

    def refuse(self, reason: Reason, message: str, at: int) -> NoReturn:
        """Refuse what stands at an offset.

        Raises:
            ExpressionSyntaxError: always.
        """
        raise ExpressionSyntaxError(reason, message, Position.within(self._text, at))
