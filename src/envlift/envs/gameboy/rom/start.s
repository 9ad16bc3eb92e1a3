; Bricks: header, interrupt vector, start, and the routine that runs OAM DMA from high RAM.
; Assembled with sdasgb (Debian's sdcc 4.2).

        .module start
        .globl  _main, _ticked, _sprites

        .area   _HEADER (ABS)
        .org    0x0040                  ; VBlank
        push    af
        ld      a, #1
        ld      (_ticked), a
        pop     af
        reti

        .org    0x0100
        nop
        jp      start

        .org    0x0150
start:
        di
        ld      sp, #0xDFFF
        xor     a                       ; work RAM is cleared: a start is the same each time
        ld      hl, #0xC000
        ld      bc, #0x1F00
clear:
        xor     a
        ld      (hl+), a
        dec     bc
        ld      a, b
        or      a, c
        jr      nz, clear
        ld      hl, #copy_sprites       ; DMA takes the bus: its routine waits in high RAM
        ld      c, #0x80
        ld      b, #copy_end - copy_sprites
install:
        ld      a, (hl+)
        ldh     (c), a
        inc     c
        dec     b
        jr      nz, install
        call    _main
hang:
        jr      hang

copy_sprites:
        ld      a, #0xC1                ; sprites stand at 0xC100
        ldh     (0x46), a
        ld      a, #40
wait:
        dec     a
        jr      nz, wait
        ret
copy_end:

        .area   _CODE
_show_sprites::
        call    0xFF80
        ret

_wait_for_vblank::
        xor     a
        ld      (_ticked), a
sleep:
        halt
        nop
        ld      a, (_ticked)
        or      a, a
        jr      z, sleep
        ret

        .area   _HOME
        .area   _BASE
        .area   _INITIALIZER
        .area   _GSINIT
        .area   _GSFINAL
        .area   _DATA
        .area   _INITIALIZED
        .area   _BSS
        .area   _HEAP
