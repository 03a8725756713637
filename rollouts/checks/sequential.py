"""Intervals that hold at all times at once, however often somebody looks and whenever the comparison ends.

Each is a confidence sequence: the probability that the true value is ever outside is at most `error`, over all looks
together. Data are judged by their likelihood: a mixture over all proportions (Jeffreys' prior) against the largest
likelihood that a given value allows. For the true value the ratio never exceeds a martingale that starts at 1, so by
Ville's inequality the probability that it ever reaches 1 / error is at most `error`; a value whose ratio does is
outside. That holds at any sample size and any shares of traffic, and needs nothing but the counts so far. It takes
outcomes to be independent, and to be final once they are counted.

- Wasserman, Ramdas and Balakrishnan (2020), Universal inference, PNAS 117 (29): why the largest likelihood will do
  where there are other parameters than the tested one
- Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics 41
  (5): mixtures
- Howard, Ramdas, McAuliffe and Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals
  of Statistics 49 (2): confidence sequences
- Miettinen and Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4 (2): the likeliest two
  proportions with a given difference
"""

import math
from collections.abc import Callable

import numpy as np
import scipy  # loads `special`, which takes a moment, when it is used

from rollouts.checks.behaviour import Bools, Floats

PRIOR = 0.5
"""Of both outcomes: Jeffreys'."""
HALVINGS = 40
"""Of the range in which the end of an interval is looked for."""


def bound_proportion(count: Floats, of: Floats, error: float) -> tuple[Floats, Floats]:
    """Return the ends of the interval for a proportion, for counts out of totals above 0 [any shape, the same]."""
    limit = _log_mixture(count, of) + math.log(error)

    def is_outside(value: Floats) -> Bools:
        return np.asarray(_log_likelihood(value, count, of) <= limit)

    found = count / of
    return _find_end(np.zeros_like(found), found, is_outside), _find_end(np.ones_like(found), found, is_outside)


def bound_difference(old: tuple[Floats, Floats], new: tuple[Floats, Floats], error: float) -> tuple[Floats, Floats]:
    """Return the ends of the interval for the new proportion less the old one.

    Each side is counts and totals above 0 [any shape, the same].
    """
    limit = _log_mixture(*old) + _log_mixture(*new) + math.log(error)

    def is_outside(value: Floats) -> Bools:
        likeliest = _find_likeliest_old(old, new, value)
        return np.asarray(_log_likelihood(likeliest, *old) + _log_likelihood(likeliest + value, *new) <= limit)

    found = new[0] / new[1] - old[0] / old[1]
    return _find_end(-np.ones_like(found), found, is_outside), _find_end(np.ones_like(found), found, is_outside)


def _log_mixture(count: Floats, of: Floats) -> Floats:
    """Return the logarithm of the likelihood of a sequence of outcomes under the mixture."""
    prior: Floats = scipy.special.betaln(PRIOR, PRIOR)
    return np.asarray(scipy.special.betaln(count + PRIOR, of - count + PRIOR) - prior)


def _log_likelihood(value: Floats, count: Floats, of: Floats) -> Floats:
    """Return the logarithm of the likelihood of a sequence of outcomes under a proportion."""
    value = np.clip(value, 0, 1)  # rounding may have led out
    return np.asarray(scipy.special.xlogy(count, value) + scipy.special.xlog1py(of - count, -value))


def _find_likeliest_old(old: tuple[Floats, Floats], new: tuple[Floats, Floats], difference: Floats) -> Floats:
    """Return the old proportion that makes the data likeliest where the new one is larger by the difference.

    It is the root of a cubic equation, by Miettinen and Nurminen's closed form.
    """
    (old_count, old_of), (new_count, new_of) = old, new
    of, count = old_of + new_of, old_count + new_count
    square = ((new_of + 2 * old_of) * difference - of - count) / (3 * of)
    linear = ((old_of * difference - of - 2 * old_count) * difference + count) / (3 * of)
    constant = old_count * difference * (1 - difference) / (2 * of)
    half = square**3 - 1.5 * linear * square + constant
    root = np.copysign(np.sqrt(np.maximum(square**2 - linear, 0)), half)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(root == 0, 0, half / root**3)
    angle = (np.pi + np.arccos(np.clip(ratio, -1, 1))) / 3
    lowest, highest = np.maximum(0, -difference), np.minimum(1, 1 - difference)
    return np.asarray(np.clip(2 * root * np.cos(angle) - square, lowest, highest))


def _find_end(outside: Floats, inside: Floats, is_outside: Callable[[Floats], Bools]) -> Floats:
    """Return where an interval ends between a value outside and one inside, rounded outwards."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        is_out = is_outside(middle)
        outside, inside = np.where(is_out, middle, outside), np.where(is_out, inside, middle)
    return outside
