"""``tilemap_background``, ``get_sprite`` and ``get_tile`` of PyBoy 2.8."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_OAM = 0xFE00
_COLORS = np.array([0xFF, 0x99, 0x55, 0x00], np.uint8)


class Tile:
    """Eight by eight dots of video memory.

    Attributes:
        tile_identifier: 0 to 383, its place in video memory.
    """

    def __init__(self, pyboy: Any, identifier: int) -> None:
        if not 0 <= identifier < 384:
            raise ValueError(f"tile {identifier} is not in 0 to 383")
        self._pyboy = pyboy
        self.tile_identifier = identifier
        self.data_address = 0x8000 + 16 * identifier
        self.shape = (8, 8)

    def ndarray(self) -> NDArray[np.uint8]:
        """Return its dots, uint8 [8, 8, 4], RGBA, colour 0 as white."""
        raw = self._pyboy.memory[self.data_address : self.data_address + 16]
        planes = np.unpackbits(np.array(raw, np.uint8).reshape(8, 2, 1), axis=2)
        grey = _COLORS[planes[:, 0] + 2 * planes[:, 1]]
        return np.stack([grey, grey, grey, np.full_like(grey, 0xFF)], axis=2)

    def image(self) -> Any:
        """Return its dots as a ``PIL.Image``, 8 x 8, RGBA.

        Raises:
            ImportError: if Pillow is not installed.
        """
        try:
            from PIL import Image
        except ModuleNotFoundError:
            raise ImportError("tile.image() needs Pillow: pip install pillow") from None
        return Image.fromarray(self.ndarray())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tile) and other.tile_identifier == self.tile_identifier

    def __hash__(self) -> int:
        return hash(self.tile_identifier)


class Sprite:
    """One of the forty sprites, as it is now.

    Attributes:
        x, y: place of its upper left corner on the screen.
        tile_identifier: of its (upper) tile.
        attr_obj_bg_priority, attr_y_flip, attr_x_flip, attr_palette_number: its flags.
        on_screen: some of it may be seen.
    """

    def __init__(self, pyboy: Any, sprite_index: int) -> None:
        if not 0 <= sprite_index < 40:
            raise ValueError(f"sprite {sprite_index} is not in 0 to 39")
        at = _OAM + 4 * sprite_index
        y, x, tile, flags = pyboy.memory[at : at + 4]
        height = 16 if pyboy._machine.lcdc & 4 else 8
        self.sprite_index = sprite_index
        self.x, self.y = x - 8, y - 16
        self.tile_identifier = tile & 0xFE if height == 16 else tile
        self.attr_obj_bg_priority = bool(flags & 0x80)
        self.attr_y_flip = bool(flags & 0x40)
        self.attr_x_flip = bool(flags & 0x20)
        self.attr_palette_number = flags >> 4 & 1
        self.shape = (8, height)
        self.tiles = [Tile(pyboy, self.tile_identifier + row) for row in range(height // 8)]
        self.on_screen = -height < self.y < 144 and -8 < self.x < 160


class TileMap:
    """The 32 by 32 tiles of background or window: ``map[column, row]``, also with slices."""

    def __init__(self, pyboy: Any, select: int) -> None:
        self._pyboy = pyboy
        self._select = select
        self._as_tiles = False
        self.shape = (32, 32)

    def use_tile_objects(self, switch: bool) -> None:
        """Give ``Tile`` objects, or their numbers (the default)."""
        self._as_tiles = switch

    @property
    def map_offset(self) -> int:
        """Address of the map."""
        return 0x9C00 if self._pyboy._machine.lcdc & self._select else 0x9800

    def tile_identifier(self, column: int, row: int) -> int:
        """Return the number, 0 to 383, of the tile at a place."""
        if not (0 <= column < 32 and 0 <= row < 32):
            raise IndexError(f"column {column}, row {row}: both run from 0 to 31")
        number = int(self._pyboy.memory[self.map_offset + 32 * row + column])
        is_signed = not self._pyboy._machine.lcdc & 0x10
        return number + 256 if is_signed and number < 128 else number

    def tile(self, column: int, row: int) -> Tile:
        """Return the tile at a place."""
        return Tile(self._pyboy, self.tile_identifier(column, row))

    def __getitem__(self, place: tuple[int | slice, int | slice]) -> Any:
        give = self.tile if self._as_tiles else self.tile_identifier
        column, row = place
        if isinstance(column, int) and isinstance(row, int):
            return give(column, row)
        columns = range(32)[column] if isinstance(column, slice) else [column]
        rows = range(32)[row] if isinstance(row, slice) else [row]
        table = [[give(x, y) for x in columns] for y in rows]
        if isinstance(row, int):
            return table[0]
        return [line[0] for line in table] if isinstance(column, int) else table
