/* PufferLib 3.0's pong.h, unchanged, behind functions that play whole batches.
 *
 * Arrays have a lane axis B and a step axis T, C order. `rand` is served from the caller's tape:
 * each step may serve at most once, so one number a step is enough. With ENVLIFT_BENCH the
 * library holds the benchmark instead, and `rand` is a cheap generator.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef ENVLIFT_BENCH
static uint32_t lcg_state = 1;
static int served_rand(void) {
    lcg_state = lcg_state * 1664525u + 1013904223u;
    return (int)(lcg_state >> 1 >> 15);
}
#else
static int32_t tape;
static int served_rand(void) { return tape; }
#endif

/* A game that ends resets itself inside its step. These macros put a call of ours in front of both
 * `c_reset(env)` in c_step, which is where the end can still be seen, and leave the definition
 * `c_reset(Pong* env)` as it is: the argument's first word tells them apart. */
#ifndef ENVLIFT_BENCH
struct Pong;
static void keep_end(const struct Pong *env);
#define c_reset(argument) ENVLIFT_RESET_##argument)
#define ENVLIFT_RESET_Pong c_reset(Pong
#define ENVLIFT_RESET_env keep_end(env), c_reset(env
#endif

/* stdlib.h is behind us, so this renames only the call in pong.h. */
#define rand served_rand
#include "pong.h"
#undef rand
#undef c_reset

/* Nothing is ever drawn: the window of pong.h only has to link. */
void InitWindow(int width, int height, const char *title) { (void)width, (void)height, (void)title; }
void CloseWindow(void) {}
void SetTargetFPS(int fps) { (void)fps; }
bool IsKeyDown(int key) { return (void)key, false; }
void BeginDrawing(void) {}
void EndDrawing(void) {}
void ClearBackground(Color color) { (void)color; }
void DrawRectangle(int x, int y, int width, int height, Color color) {
    (void)x, (void)y, (void)width, (void)height, (void)color;
}
void DrawText(const char *text, int x, int y, int size, Color color) {
    (void)text, (void)x, (void)y, (void)size, (void)color;
}
int MeasureText(const char *text, int size) { return (void)text, (void)size, 0; }
const char *TextFormat(const char *text, ...) { return text; }
Texture2D LoadTexture(const char *name) { return (void)name, (Texture2D){0}; }
void DrawTexturePro(Texture2D texture, Rectangle from, Rectangle to, Vector2 origin, float angle,
                    Color tint) {
    (void)texture, (void)from, (void)to, (void)origin, (void)angle, (void)tint;
}

/* What pong.py passes to the C, in its order. pong.py: class Pong. */
typedef struct {
    float width, height, paddle_width, paddle_height, ball_width, ball_height, paddle_speed;
    float ball_initial_speed_x, ball_initial_speed_y, ball_speed_y_increment, ball_max_speed_y;
    int32_t max_score, frameskip, continuous;
} Config;

/* One pointer for each field of the state; each points to [..., B], observations to [..., B, 8]. */
typedef struct {
    float *paddle_yl, *paddle_yr, *ball_x, *ball_y, *ball_vx, *ball_vy;
    int32_t *score_l, *score_r, *tick, *n_bounces, *win;
    float *observations;
} Fields;

typedef struct {
    Pong env;
    float observations[8];
    float action, reward;
    unsigned char terminal;
} Lane;

static void configure(Pong *env, const Config *config) {
    env->width = config->width;
    env->height = config->height;
    env->paddle_width = config->paddle_width;
    env->paddle_height = config->paddle_height;
    env->ball_width = config->ball_width;
    env->ball_height = config->ball_height;
    env->paddle_speed = config->paddle_speed;
    env->ball_initial_speed_x = config->ball_initial_speed_x;
    env->ball_initial_speed_y = config->ball_initial_speed_y;
    env->ball_speed_y_increment = config->ball_speed_y_increment;
    env->ball_max_speed_y = config->ball_max_speed_y;
    env->max_score = (unsigned int)config->max_score;
    env->frameskip = config->frameskip;
    env->continuous = config->continuous;
    init(env);
}

/* pong.py: step() clips a continuous action before the C sees it. */
static float clip_action(float action) {
    return action < -1.0f ? -1.0f : action > 1.0f ? 1.0f : action;
}

#ifndef ENVLIFT_BENCH

/* The last game that ended, before its reset, and the observation of its last step. */
static Lane ended;
static void keep_end(const struct Pong *env) {
    ended.env = *env;
    memcpy(ended.observations, env->observations, sizeof ended.observations);
}

void *pong_open(int64_t lanes, const Config *config) {
    Lane *all = calloc((size_t)lanes, sizeof(Lane));
    for (int64_t lane = 0; all != NULL && lane < lanes; lane++) {
        Lane *one = &all[lane];
        one->env.observations = one->observations;
        one->env.actions = &one->action;
        one->env.rewards = &one->reward;
        one->env.terminals = &one->terminal;
        configure(&one->env, config);
    }
    return all;
}

void pong_close(void *lanes) { free(lanes); }

static void read_state(const Lane *lane, const Fields *to, int64_t at) {
    const Pong *env = &lane->env;
    to->paddle_yl[at] = env->paddle_yl;
    to->paddle_yr[at] = env->paddle_yr;
    to->ball_x[at] = env->ball_x;
    to->ball_y[at] = env->ball_y;
    to->ball_vx[at] = env->ball_vx;
    to->ball_vy[at] = env->ball_vy;
    to->score_l[at] = (int32_t)env->score_l;
    to->score_r[at] = (int32_t)env->score_r;
    to->tick[at] = env->tick;
    to->n_bounces[at] = env->n_bounces;
    to->win[at] = env->win;
    memcpy(to->observations + 8 * at, lane->observations, sizeof lane->observations);
}

static void write_state(Lane *lane, const Fields *from, int64_t at) {
    Pong *env = &lane->env;
    env->paddle_yl = from->paddle_yl[at];
    env->paddle_yr = from->paddle_yr[at];
    env->ball_x = from->ball_x[at];
    env->ball_y = from->ball_y[at];
    env->ball_vx = from->ball_vx[at];
    env->ball_vy = from->ball_vy[at];
    env->score_l = (unsigned int)from->score_l[at];
    env->score_r = (unsigned int)from->score_r[at];
    env->tick = from->tick[at];
    env->n_bounces = from->n_bounces[at];
    env->win = from->win[at];
    memcpy(lane->observations, from->observations + 8 * at, sizeof lane->observations);
}

void pong_get_state(void *lanes, int64_t count, const Fields *to) {
    for (int64_t lane = 0; lane < count; lane++) read_state((Lane *)lanes + lane, to, lane);
}

void pong_set_state(void *lanes, int64_t count, const Fields *from) {
    for (int64_t lane = 0; lane < count; lane++) write_state((Lane *)lanes + lane, from, lane);
}

/* A new game object as binding.c makes one, then its reset; c_reset alone would keep `win`. */
void pong_reset(void *lanes, int64_t count, const int32_t *chance) {
    for (int64_t lane = 0; lane < count; lane++) {
        Lane *one = (Lane *)lanes + lane;
        init(&one->env);
        tape = chance[lane];
        c_reset(&one->env);
    }
}

/* Components, one call for each lane. */
void pong_compute_observations(void *lanes, int64_t count) {
    for (int64_t lane = 0; lane < count; lane++) compute_observations(&((Lane *)lanes + lane)->env);
}

void pong_reset_round(void *lanes, int64_t count, const int32_t *chance) {
    for (int64_t lane = 0; lane < count; lane++) {
        tape = chance[lane];
        reset_round(&((Lane *)lanes + lane)->env);
    }
}

/* `discrete` or `continuous` is read, whichever the configuration says; `state` may be NULL, and so
 * may `final_state`: the state of every step before a reset. */
void pong_step(void *lanes, int64_t count, int64_t steps, const int32_t *discrete,
               const float *continuous, const int32_t *chance, float *observation,
               float *final_observation, float *reward, uint8_t *terminated, const Fields *state,
               const Fields *final_state) {
    for (int64_t at = 0; at < steps * count; at++) {
        Lane *lane = (Lane *)lanes + at % count;
        lane->action = continuous ? clip_action(continuous[at]) : (float)discrete[at];
        tape = chance[at];
        c_step(&lane->env);
        memcpy(observation + 8 * at, lane->observations, sizeof lane->observations);
        reward[at] = lane->reward;
        terminated[at] = lane->terminal;
        if (state != NULL) read_state(lane, state, at);
        const Lane *last = lane->terminal ? &ended : lane;
        memcpy(final_observation + 8 * at, last->observations, sizeof last->observations);
        if (final_state != NULL) read_state(last, final_state, at);
    }
}

/* What init() and the configuration made of the constants: 13 floats, then 3 ints. */
void pong_constants(void *lanes, float *numbers, int32_t *counts) {
    const Pong *env = &((Lane *)lanes)->env;
    const float all[13] = {
        env->width, env->height, env->paddle_width, env->paddle_height, env->ball_width,
        env->ball_height, env->paddle_speed, env->ball_initial_speed_x,
        env->ball_initial_speed_y, env->ball_speed_y_increment, env->ball_max_speed_y,
        env->min_paddle_y, env->max_paddle_y,
    };
    memcpy(numbers, all, sizeof all);
    counts[0] = (int32_t)env->max_score;
    counts[1] = env->frameskip;
    counts[2] = env->continuous;
}

#ifdef ENVLIFT_COVERAGE
void __gcov_dump(void);
void __gcov_reset(void);
/* Write the counts out; they go on from where they are only after a reset and a merge. */
void pong_dump_coverage(void) {
    __gcov_dump();
    __gcov_reset();
}
#endif

#else

/* The fastest honest form of the C: structs and buffers laid out as PufferLib's vec_init has
 * them, one tight loop, random actions, an observation written by every step that the rules let
 * write one. Returns 0, or 1 without memory. `terminals` and `checksum` show that work was done. */
int pong_bench(int64_t count, int64_t steps, uint32_t seed, const Config *config, double *seconds,
               double *checksum, int64_t *terminals) {
    Pong *envs = calloc((size_t)count, sizeof(Pong));
    float *observations = calloc((size_t)count * 8, sizeof(float));
    float *actions = calloc((size_t)count, sizeof(float));
    float *rewards = calloc((size_t)count, sizeof(float));
    unsigned char *ends = calloc((size_t)count, 1);
    const int failed = !envs || !observations || !actions || !rewards || !ends;
    if (!failed) {
        lcg_state = seed * 2654435761u + 1u;
        for (int64_t lane = 0; lane < count; lane++) {
            Pong *env = &envs[lane];
            env->observations = observations + 8 * lane;
            env->actions = actions + lane;
            env->rewards = rewards + lane;
            env->terminals = ends + lane;
            configure(env, config);
            c_reset(env);
        }
        uint32_t state = seed | 1u;
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (int64_t step = 0; step < steps; step++) {
            for (int64_t lane = 0; lane < count; lane++) {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                /* The high half times three: a draw from {0, 1, 2} without a division. */
                actions[lane] = config->continuous
                                    ? (float)(int32_t)state * (1.0f / 2147483648.0f)
                                    : (float)(int)((state >> 16) * 3u >> 16);
                c_step(&envs[lane]);
            }
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        *seconds = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
        *checksum = 0;
        *terminals = 0;
        for (int64_t lane = 0; lane < count; lane++) {
            for (int i = 0; i < 8; i++) *checksum += observations[8 * lane + i];
            *terminals += (int64_t)envs[lane].log.n;
        }
    }
    free(envs), free(observations), free(actions), free(rewards), free(ends);
    return failed;
}

#endif
