"""CRC-32C, by which TensorFlow's checkpoints are checked: many stretches of the bytes at a time, joined afterwards.

Source: RFC 3720, appendix B.4; tensorflow/core/lib/hash/crc32c.h for the mask.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
POLYNOMIAL = 0x82F63B78


def _table() -> Words:
    words: Words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        words = (words >> np.uint32(1)) ^ np.uint32(POLYNOMIAL) * (words & np.uint32(1))
    return words


TABLE = _table()


def crc32c(data: bytes | NDArray[Any]) -> int:
    """The checksum.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    content = np.frombuffer(data, np.uint8)
    lanes = 1 << (len(content).bit_length() // 2)
    width = -(-len(content) // lanes)
    padded = np.zeros(lanes * width, np.uint8)
    if len(content):
        padded[-len(content) :] = content  # zeros before the first byte leave a register of zeros as it is
    registers: Words = np.zeros(lanes, np.uint32)
    for column in np.ascontiguousarray(padded.reshape(lanes, width).T):
        registers = TABLE[(registers ^ column) & np.uint32(0xFF)] ^ (registers >> np.uint32(8))
    shift = _zeros(width)
    while len(registers) > 1:
        registers = _apply(shift, registers[0::2]) ^ registers[1::2]
        shift = _apply(shift, shift)
    begun = _apply(_zeros(len(content)), np.array([0xFFFFFFFF], np.uint32))
    return int(registers[0] ^ begun[0] ^ np.uint32(0xFFFFFFFF))


def masked(crc: int) -> int:
    """As it is stored."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


_BITS: Words = np.arange(32, dtype=np.uint32)
_UNIT: Words = np.uint32(1) << _BITS


def _apply(matrix: Words, registers: Words) -> Words:
    """A matrix over bits, a column a word."""
    bits = registers[:, None] >> _BITS & np.uint32(1)
    return np.bitwise_xor.reduce(bits * matrix, axis=1)


@cache
def _doubled(power: int) -> Words:
    """What 2**power bytes of zeros do to a register, as a matrix."""
    if not power:
        return TABLE[_UNIT & np.uint32(0xFF)] ^ (_UNIT >> np.uint32(8))
    return _apply(_doubled(power - 1), _doubled(power - 1))


def _zeros(count: int) -> Words:
    """What `count` bytes of zeros do to a register, as a matrix."""
    found = _UNIT
    for power in range(count.bit_length()):
        if count >> power & 1:
            found = _apply(_doubled(power), found)
    return found
