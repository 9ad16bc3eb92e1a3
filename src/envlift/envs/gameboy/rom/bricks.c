/* Bricks: a paddle, a ball and fifty bricks, for the Game Boy.
 *
 * Written for envlift, so that the Game Boy has a game of its own: a title that wants START, a score,
 * three balls, a game over, and chance taken from the divider register. Everything a program may want
 * to read stands at a fixed address, listed in bricks.toml.
 */

typedef unsigned char byte;
typedef signed char sbyte;
typedef unsigned int word;

#define REGISTER(address) (*(volatile byte *)(address))
#define P1 REGISTER(0xFF00)
#define DIV REGISTER(0xFF04)
#define IF REGISTER(0xFF0F)
#define LCDC REGISTER(0xFF40)
#define SCY REGISTER(0xFF42)
#define SCX REGISTER(0xFF43)
#define BGP REGISTER(0xFF47)
#define OBP0 REGISTER(0xFF48)
#define IE REGISTER(0xFFFF)
#define TILES ((volatile byte *)0x8000)
#define MAP ((volatile byte *)0x9800)

enum { TITLE, PLAYING, SERVING, OVER };

enum {
    RIGHT = 0x01,
    LEFT = 0x02,
    START = 0x80,
    ROWS = 5,
    COLUMNS = 10,
    FIRST_ROW = 3,
    PADDLE_Y = 136,
    PADDLE_WIDTH = 24,
    BALL = 4,
    TOP = 8,
    BLANK = 0,
    BRICK_LEFT = 1,
    BRICK_RIGHT = 2,
    BALL_TILE = 3,
    PADDLE_TILE = 4,
    DIGITS = 5,
    LETTERS = 15,
};

/* What the game file names. */
volatile byte __at(0xC000) state;
volatile byte __at(0xC001) balls;
volatile word __at(0xC002) score;
volatile byte __at(0xC004) paddle_x;
volatile byte __at(0xC005) ball_x;
volatile byte __at(0xC006) ball_y;
volatile sbyte __at(0xC007) speed_x;
volatile sbyte __at(0xC008) speed_y;
volatile byte __at(0xC009) bricks_left;
volatile byte __at(0xC00A) pause;
volatile byte __at(0xC00B) level;
volatile byte __at(0xC00C) ticked;
byte __at(0xC010) digits[3];
byte __at(0xC020) bricks[ROWS * COLUMNS];
byte __at(0xC100) sprites[160];

/* Cells of the map that change in the next VBlank. */
static byte changes;
static word change_at[8];
static byte change_to[8];

void show_sprites(void);
void wait_for_vblank(void);

/* One bit a pixel, row by row. */
static const byte glyphs[] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* blank */
    0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00, /* brick, left */
    0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFC, 0x00, /* brick, right */
    0x60, 0xF0, 0xF0, 0x60, 0x00, 0x00, 0x00, 0x00, /* ball */
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, /* paddle */
    0x3C, 0x66, 0x6E, 0x76, 0x66, 0x66, 0x3C, 0x00, /* 0 */
    0x18, 0x38, 0x18, 0x18, 0x18, 0x18, 0x3C, 0x00, /* 1 */
    0x3C, 0x66, 0x06, 0x0C, 0x18, 0x30, 0x7E, 0x00, /* 2 */
    0x3C, 0x66, 0x06, 0x1C, 0x06, 0x66, 0x3C, 0x00, /* 3 */
    0x0C, 0x1C, 0x2C, 0x4C, 0x7E, 0x0C, 0x0C, 0x00, /* 4 */
    0x7E, 0x60, 0x7C, 0x06, 0x06, 0x66, 0x3C, 0x00, /* 5 */
    0x1C, 0x30, 0x60, 0x7C, 0x66, 0x66, 0x3C, 0x00, /* 6 */
    0x7E, 0x06, 0x0C, 0x18, 0x18, 0x18, 0x18, 0x00, /* 7 */
    0x3C, 0x66, 0x66, 0x3C, 0x66, 0x66, 0x3C, 0x00, /* 8 */
    0x3C, 0x66, 0x66, 0x3E, 0x06, 0x0C, 0x38, 0x00, /* 9 */
    0x3C, 0x66, 0x66, 0x7E, 0x66, 0x66, 0x66, 0x00, /* A */
    0x7C, 0x66, 0x66, 0x7C, 0x66, 0x66, 0x7C, 0x00, /* B */
    0x3C, 0x66, 0x60, 0x60, 0x60, 0x66, 0x3C, 0x00, /* C */
    0x7E, 0x60, 0x60, 0x7C, 0x60, 0x60, 0x7E, 0x00, /* E */
    0x3C, 0x66, 0x60, 0x6E, 0x66, 0x66, 0x3E, 0x00, /* G */
    0x3C, 0x18, 0x18, 0x18, 0x18, 0x18, 0x3C, 0x00, /* I */
    0x66, 0x6C, 0x78, 0x70, 0x78, 0x6C, 0x66, 0x00, /* K */
    0x63, 0x77, 0x7F, 0x6B, 0x63, 0x63, 0x63, 0x00, /* M */
    0x3C, 0x66, 0x66, 0x66, 0x66, 0x66, 0x3C, 0x00, /* O */
    0x7C, 0x66, 0x66, 0x7C, 0x60, 0x60, 0x60, 0x00, /* P */
    0x7C, 0x66, 0x66, 0x7C, 0x78, 0x6C, 0x66, 0x00, /* R */
    0x3C, 0x66, 0x60, 0x3C, 0x06, 0x66, 0x3C, 0x00, /* S */
    0x7E, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x00, /* T */
    0x66, 0x66, 0x66, 0x66, 0x66, 0x3C, 0x18, 0x00, /* V */
};
static const char letters[] = "ABCEGIKMOPRSTV";

static void load_tiles(void) {
    word at;
    byte row;
    volatile byte *to = TILES;
    for (at = 0; at < sizeof glyphs; at++) {
        row = glyphs[at];
        *to++ = row;
        *to++ = row;
    }
}

static void clear_map(void) {
    word at;
    for (at = 0; at < 32 * 18; at++) {
        MAP[at] = BLANK;
    }
}

static void write_text(word at, const char *text) {
    byte letter;
    for (; *text; text++, at++) {
        if (*text == ' ') {
            continue;
        }
        for (letter = 0; letters[letter] != *text; letter++) {
        }
        MAP[at] = LETTERS + letter;
    }
}

static void change(word at, byte to) {
    change_at[changes] = at;
    change_to[changes] = to;
    changes++;
}

static void apply_changes(void) {
    while (changes) {
        changes--;
        MAP[change_at[changes]] = change_to[changes];
    }
}

static void show_score(void) {
    change(1, DIGITS + digits[2]);
    change(2, DIGITS + digits[1]);
    change(3, DIGITS + digits[0]);
}

static void show_balls(void) {
    change(18, DIGITS + balls);
}

static byte buttons(void) {
    byte held;
    P1 = 0x20;
    held = P1;
    held = ~P1 & 0x0F;
    P1 = 0x10;
    P1;
    P1;
    P1;
    held |= (~P1 & 0x0F) << 4;
    P1 = 0x30;
    return held;
}

static void place_bricks(void) {
    byte number = 0, row, column;
    word at = 32 * FIRST_ROW;
    for (row = 0; row < ROWS; row++) {
        for (column = 0; column < COLUMNS; column++) {
            bricks[number++] = 1;
            MAP[at++] = BRICK_LEFT;
            MAP[at++] = BRICK_RIGHT;
        }
        at += 32 - 2 * COLUMNS;
    }
    bricks_left = ROWS * COLUMNS;
}

static void serve(void) {
    byte chance = DIV;
    ball_x = 48 + (chance & 0x3F);
    ball_y = 80;
    speed_x = chance & 0x40 ? 1 : -1;
    speed_y = 1 + level;
    pause = 32;
    state = SERVING;
}

static void show_title(void) {
    LCDC = 0;
    clear_map();
    write_text(32 * 6 + 7, "BRICKS");
    write_text(32 * 10 + 4, "PRESS START");
    state = TITLE;
    LCDC = 0x91;
}

static void begin(void) {
    LCDC = 0;
    clear_map();
    place_bricks();
    score = 0;
    digits[0] = digits[1] = digits[2] = 0;
    balls = 3;
    level = 0;
    paddle_x = 68;
    show_score();
    show_balls();
    apply_changes();
    serve();
    LCDC = 0x93;
}

/* The text takes longer than a VBlank: the screen is off meanwhile, as video memory is free then. */
static void end(void) {
    LCDC = 0;
    write_text(32 * 10 + 5, "GAME OVER");
    LCDC = 0x93;
}

static void add_point(void) {
    score++;
    if (++digits[0] == 10) {
        digits[0] = 0;
        if (++digits[1] == 10) {
            digits[1] = 0;
            digits[2]++;
        }
    }
    show_score();
}

/* The brick at a point of the screen: its number, or 255. */
static byte brick_at(byte x, byte y) {
    byte row = y >> 3, number = x >> 4;
    if (row < FIRST_ROW || row >= FIRST_ROW + ROWS) {
        return 255;
    }
    for (row -= FIRST_ROW; row; row--) {
        number += COLUMNS;
    }
    return bricks[number] ? number : 255;
}

static void remove_brick(byte number, byte x, byte y) {
    word at = ((word)(y >> 3) << 5) + ((x >> 4) << 1);
    bricks[number] = 0;
    bricks_left--;
    change(at, BLANK);
    change(at + 1, BLANK);
    add_point();
}

static void move_paddle(byte held) {
    if (held & LEFT && paddle_x >= 3) {
        paddle_x -= 3;
    }
    if (held & RIGHT && paddle_x <= 160 - PADDLE_WIDTH - 3) {
        paddle_x += 3;
    }
}

static void step_x(sbyte by) {
    if (by < 0 ? ball_x == 0 : ball_x >= 160 - BALL) {
        speed_x = -speed_x;
        return;
    }
    ball_x += by;
}

static void bounce_off_paddle(void) {
    byte place = ball_x + BALL - paddle_x;
    speed_y = -speed_y;
    if (place < 8) {
        speed_x = -2;
    } else if (place >= PADDLE_WIDTH + BALL - 8) {
        speed_x = 2;
    } else {
        speed_x = speed_x < 0 ? -1 : 1;
    }
}

/* One dot up or down; answers whether the ball goes on. */
static byte step_y(sbyte by) {
    byte edge = by < 0 ? ball_y - 1 : ball_y + BALL;
    byte number;
    if (by < 0 && ball_y <= TOP) {
        speed_y = -speed_y;
        return 0;
    }
    if (by > 0 && edge == PADDLE_Y && ball_x + BALL > paddle_x &&
        ball_x < paddle_x + PADDLE_WIDTH) {
        bounce_off_paddle();
        return 0;
    }
    number = brick_at(ball_x + BALL / 2, edge);
    if (number != 255) {
        remove_brick(number, ball_x + BALL / 2, edge);
        speed_y = -speed_y;
        return 0;
    }
    ball_y += by;
    return 1;
}

static void move_ball(void) {
    byte steps = speed_x < 0 ? -speed_x : speed_x;
    sbyte by = speed_x < 0 ? -1 : 1;
    for (; steps; steps--) {
        step_x(by);
    }
    steps = speed_y < 0 ? -speed_y : speed_y;
    by = speed_y < 0 ? -1 : 1;
    for (; steps; steps--) {
        if (!step_y(by)) {
            break;
        }
    }
}

static void lose_ball(void) {
    balls--;
    show_balls();
    if (balls) {
        serve();
    } else {
        state = OVER;
    }
}

static void place_sprite(byte number, byte x, byte y, byte tile) {
    byte *sprite = sprites + (number << 2);
    sprite[0] = y + 16;
    sprite[1] = x + 8;
    sprite[2] = tile;
    sprite[3] = 0;
}

static void draw(void) {
    place_sprite(0, ball_x, ball_y, BALL_TILE);
    place_sprite(1, paddle_x, PADDLE_Y, PADDLE_TILE);
    place_sprite(2, paddle_x + 8, PADDLE_Y, PADDLE_TILE);
    place_sprite(3, paddle_x + 16, PADDLE_Y, PADDLE_TILE);
}

static void play(byte held) {
    move_paddle(held);
    if (state == SERVING) {
        if (--pause == 0) {
            state = PLAYING;
        }
    } else {
        move_ball();
        if (ball_y >= 144) {
            lose_ball();
        }
    }
    draw();
}

/* All bricks are gone: the next fifty come, and the ball is faster. */
static void next_level(void) {
    LCDC = 0;
    place_bricks();
    level = 1;
    serve();
    LCDC = 0x93;
}

void main(void) {
    byte held, before = 0;
    LCDC = 0;
    SCX = 0;
    SCY = 0;
    BGP = 0xE4;
    OBP0 = 0xE4;
    load_tiles();
    show_title();
    IF = 0;
    IE = 1;
    __asm__("ei");
    for (;;) {
        wait_for_vblank();
        apply_changes();
        show_sprites();
        held = buttons();
        if (state == TITLE) {
            if (held & START && !(before & START)) {
                begin();
            }
        } else if (state == OVER) {
            if (held & START && !(before & START)) {
                show_title();
            }
        } else {
            play(held);
            if (state == OVER) {
                wait_for_vblank();
                apply_changes();
                end();
            } else if (bricks_left == 0) {
                wait_for_vblank();
                next_level();
            }
        }
        before = held;
    }
}
