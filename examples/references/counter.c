/* The game of counter.py as a reference in C99, in plain text messages:
 *
 *     cc -O2 -ffp-contract=off -o counter examples/references/counter.c
 *     process:./counter
 *
 * One JSON line comes in for each that goes out. Requests hold no spaces and only the keys that
 * the protocol names, so looking for "key": is all the JSON reading that is needed.
 */

#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int position, steps;
    double energy;
} Lane;

static Lane *lanes;
static long num_lanes;
static long goal = 5, limit = 40;
static double slip = 0.25;

/* -- reading ---------------------------------------------------------------------------------- */

/* Return what follows "key": in the text, NULL if it is not there. */
static const char *find(const char *text, const char *key) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *found = text ? strstr(text, pattern) : NULL;
    return found ? found + strlen(pattern) : NULL;
}

static double number(const char *text, const char *key, double otherwise) {
    const char *value = find(text, key);
    return value ? strtod(value, NULL) : otherwise;
}

/* Read the next number of a list and move past it; the list begins after its bracket. */
static double next(const char **list) {
    char *end;
    const double value = strtod(*list, &end);
    *list = *end == ',' ? end + 1 : end;
    return value;
}

static const char *list(const char *text, const char *key) {
    const char *value = find(text, key);
    return value ? value + 1 : NULL;
}

/* Whether "return":[...] names this field. */
static bool wanted(const char *line, const char *name) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\"", name);
    const char *names = find(line, "return");
    const char *end = names ? strchr(names, ']') : NULL;
    const char *found = names ? strstr(names, pattern) : NULL;
    return found && found < end;
}

/* -- writing: one growing text for each field of an answer -------------------------------------- */

typedef struct {
    char *text;
    size_t length, room;
} Text;

enum {
    OBSERVATION, REWARD, TERMINATED, TRUNCATED, FINAL_OBSERVATION,
    POSITION, STEPS, ENERGY, FINAL_POSITION, FINAL_STEPS, FINAL_ENERGY,
    FIELDS
};
static Text fields[FIELDS];

static void put(int field, double value) {
    Text *text = &fields[field];
    if (text->room - text->length < 40) {
        text->room = 2 * text->room + 4096;
        text->text = realloc(text->text, text->room);
        if (!text->text) exit(1);
    }
    /* 17 digits carry every double over unchanged; 9 would do for a float. */
    text->length += (size_t)sprintf(text->text + text->length, text->length ? ",%.17g" : "%.17g",
                                    value);
}

static void clear(void) {
    for (int field = 0; field < FIELDS; field++) fields[field].length = 0;
}

static void write_list(const char *name, int field) {
    printf("\"%s\":[%.*s]", name, (int)fields[field].length,
           fields[field].length ? fields[field].text : "");
}

static void write_state(const char *name, int first) {
    printf(",\"%s\":{", name);
    write_list("position", first);
    putchar(',');
    write_list("steps", first + 1);
    putchar(',');
    write_list("energy", first + 2);
    putchar('}');
}

static void put_observation(int field, const Lane *lane) {
    put(field, (double)lane->position / (double)goal);
    put(field, lane->energy);
}

static void put_state(int first, const Lane *lane) {
    put(first, lane->position);
    put(first + 1, lane->steps);
    put(first + 2, lane->energy);
}

/* -- the game ----------------------------------------------------------------------------------- */

static Lane new_game(double seed) {
    return (Lane){(int)llabs((long long)seed % 2), 0, 1.0};
}

static int move(int action, double chance) {
    const int direction = action == 1 ? 1 : -1;
    return chance < slip ? -direction : direction;
}

/* -- the operations: each prints the rest of the answer that main began --------------------------- */

static void spec(const char *line) {
    num_lanes = (long)number(line, "num_lanes", 1);
    goal = (long)number(line, "goal", 5);
    limit = (long)number(line, "limit", 40);
    slip = number(line, "slip", 0.25);
    lanes = calloc((size_t)num_lanes, sizeof(Lane));
    if (!lanes) exit(1);
    fputs(",\"spec\":{\"name\":\"counter\",\"observation\":{\"shape\":[2],\"dtype\":\"float64\"},"
          "\"action\":{\"shape\":[],\"dtype\":\"int32\"},\"num_actions\":2,\"state\":{"
          "\"position\":{\"shape\":[],\"dtype\":\"int32\"},"
          "\"steps\":{\"shape\":[],\"dtype\":\"int32\"},"
          "\"energy\":{\"shape\":[],\"dtype\":\"float64\"}},"
          "\"chance\":{\"shape\":[],\"dtype\":\"float64\"}}", stdout);
}

static void reset(const char *line) {
    const char *seeds = list(line, "seeds");
    for (long lane = 0; lane < num_lanes; lane++) {
        lanes[lane] = new_game(next(&seeds));
        put_observation(OBSERVATION, &lanes[lane]);
        put_state(POSITION, &lanes[lane]);
    }
    putchar(',');
    write_list("observation", OBSERVATION);
    if (wanted(line, "state")) write_state("state", POSITION);
}

static void step(const char *line) {
    const long count = (long)number(line, "steps", 0) * num_lanes;
    const char *actions = list(line, "actions"), *chances = list(line, "chance");
    const char *seeds = list(line, "reset_seeds");
    for (long at = 0; at < count; at++) {
        Lane *lane = &lanes[at % num_lanes];
        const int action = (int)next(&actions);
        const double chance = next(&chances), seed = next(&seeds);
        if (action != 0 && action != 1) {
            printf(",\"error\":\"action %d is neither 0 nor 1\",\"step\":%ld,\"lane\":%ld", action,
                   at / num_lanes, at % num_lanes);
            return;
        }
        lane->position += move(action, chance);
        lane->steps += 1;
        lane->energy -= 0.1 * lane->energy;
        const bool terminated = labs(lane->position) >= goal;
        const bool truncated = !terminated && lane->steps >= limit;
        put(REWARD, terminated ? (lane->position > 0 ? 1 : -1) : 0);
        put(TERMINATED, terminated);
        put(TRUNCATED, truncated);
        put_observation(FINAL_OBSERVATION, lane);
        put_state(FINAL_POSITION, lane);
        if (terminated || truncated) *lane = new_game(seed);
        put_observation(OBSERVATION, lane);
        put_state(POSITION, lane);
    }
    const char *names[] = {"observation", "reward", "terminated", "truncated"};
    for (int field = OBSERVATION; field <= TRUNCATED; field++) {
        putchar(',');
        write_list(names[field], field);
    }
    if (wanted(line, "final_observation")) {
        putchar(',');
        write_list("final_observation", FINAL_OBSERVATION);
    }
    if (wanted(line, "state")) write_state("state", POSITION);
    if (wanted(line, "final_state")) write_state("final_state", FINAL_POSITION);
}

static void get_state(const char *line) {
    (void)line;
    for (long lane = 0; lane < num_lanes; lane++) put_state(POSITION, &lanes[lane]);
    write_state("state", POSITION);
}

static void set_state(const char *line) {
    const char *positions = list(line, "position"), *steps = list(line, "steps");
    const char *energies = list(line, "energy");
    for (long lane = 0; lane < num_lanes; lane++) {
        lanes[lane] = (Lane){(int)next(&positions), (int)next(&steps), next(&energies)};
    }
}

static void call(const char *line) {
    const char *name = find(line, "component");
    if (!name || strncmp(name, "\"move\"", 6) != 0) {
        fputs(",\"error\":\"there is only the component move\"", stdout);
        return;
    }
    const char *actions = find(line, "action"), *chances = find(line, "chance");
    const long count = (long)strtol(list(actions, "shape"), NULL, 10);
    actions = list(actions, "data");
    chances = list(chances, "data");
    for (long row = 0; row < count; row++) {
        const int action = (int)next(&actions);
        put(REWARD, move(action, next(&chances)));
    }
    printf(",\"results\":{\"result\":{\"dtype\":\"int64\",\"shape\":[%ld],", count);
    write_list("data", REWARD);
    fputs("}}", stdout);
}

static void coverage(const char *line) {
    (void)line;
    fputs(",\"coverage\":{}", stdout);
}

static void nothing(const char *line) { (void)line; }

static const struct {
    const char *name;
    void (*run)(const char *line);
} operations[] = {
    {"spec", spec}, {"reset", reset}, {"step", step}, {"get_state", get_state},
    {"set_state", set_state}, {"call", call}, {"coverage", coverage}, {"close", nothing},
};

int main(void) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        const char *op = find(line, "op");
        char name[32] = "";
        if (op) sscanf(op, "\"%31[^\"]", name);
        clear();
        printf("{\"id\":%ld", (long)number(line, "id", -1));
        bool known = false;
        for (size_t at = 0; at < sizeof operations / sizeof operations[0]; at++) {
            if (strcmp(name, operations[at].name) == 0) {
                known = true;
                operations[at].run(line);
            }
        }
        if (!known) printf(",\"error\":\"there is no operation %s\"", name);
        puts("}");
        fflush(stdout);
        if (strcmp(name, "close") == 0) break;
    }
    free(line);
    return 0;
}
