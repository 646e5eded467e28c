// Copyright 2026 The segformer_ros authors
// SPDX-License-Identifier: Apache-2.0
//
// inference/label_kernel.py and inference/depth_kernel.py as a library, with the same bits: what
// loads it needs no numba, which takes 0.3 s of CPU time and 130 MB. The modules say what is computed
// and why; here are the same steps in the same order. Arithmetic is float32 throughout and must
// not be contracted (-ffp-contract=off).

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 160, LANES = 32 };

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define EVERY_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EVERY_PROCESSOR
#endif
#define INLINE static inline __attribute__((always_inline))

// Where the pixels of a camera lie in a grid: Sampling of inference/upsample.py.
struct sampling {
  int64_t rows, columns, width, bands;
  const uint64_t *left, *right;
  const float *across;
  const int64_t *edges;
  const float *down;
  const int64_t (*band)[3];
};

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// The channel that leads in each cell.
INLINE void find_winners(
  const float *cells, int64_t classes, int64_t rows, int64_t columns, int32_t *winners, float *best)
{
  for (int64_t row = 0; row < rows; ++row) {
    int32_t *restrict winner = winners + row * columns;
    memcpy(best, cells + row * columns, (size_t)columns * sizeof(float));
    memset(winner, 0, (size_t)columns * sizeof(int32_t));
    for (int64_t channel = 1; channel < classes; ++channel) {
      const float *restrict values = cells + (channel * rows + row) * columns;
      for (int64_t i = 0; i < columns; ++i) {
        const int better = values[i] > best[i];
        best[i] = better ? values[i] : best[i];
        winner[i] = better ? (int32_t)channel : winner[i];
      }
    }
  }
}

// The largest corner of every class right of each cell, and the largest of all smallest ones.
INLINE void bound(
  const float *cells, int64_t classes, int64_t rows, int64_t columns, int64_t upper, int64_t lower,
  float *bounds, float *restrict floors, float *restrict largest, float *restrict smallest)
{
  for (int64_t i = 0; i < columns; ++i) {
    floors[i] = -__builtin_inff();
  }
  for (int64_t channel = 0; channel < classes; ++channel) {
    const float *restrict a = cells + (channel * rows + upper) * columns;
    const float *restrict b = cells + (channel * rows + lower) * columns;
    float *restrict over = bounds + channel * columns;
    for (int64_t i = 0; i < columns; ++i) {
      const int above = a[i] > b[i];
      largest[i] = above ? a[i] : b[i];
      smallest[i] = above ? b[i] : a[i];
    }
    largest[columns] = largest[columns - 1];
    smallest[columns] = smallest[columns - 1];
    for (int64_t i = 0; i < columns; ++i) {
      over[i] = largest[i] > largest[i + 1] ? largest[i] : largest[i + 1];
      const float least = smallest[i] < smallest[i + 1] ? smallest[i] : smallest[i + 1];
      floors[i] = least > floors[i] ? least : floors[i];
    }
  }
}

// The channel that leads at all corners right of a cell, or -1.
INLINE int32_t find_leader(
  const int32_t *winners, int64_t columns, int64_t upper, int64_t lower, int64_t column)
{
  const int64_t after = smaller(column + 1, columns - 1);
  const int32_t *above = winners + upper * columns, *below = winners + lower * columns;
  const int32_t winner = above[column];
  const int same = below[column] == winner && above[after] == winner && below[after] == winner;
  return same ? winner : -1;
}

// The column after the last that is decoded with the first, and the one channel that leads or -1.
INLINE int64_t end_piece(
  const int32_t *winners, int64_t columns, int64_t upper, int64_t lower, const int64_t *edges,
  int64_t first, int mixed, int32_t *found)
{
  int32_t winner = find_leader(winners, columns, upper, lower, first);
  int64_t last = first + 1;
  for (; last < columns; ++last) {
    const int32_t other = find_leader(winners, columns, upper, lower, last);
    if (other != winner && !mixed) {
      break;
    }
    if ((mixed || winner < 0) && edges[last] - edges[first] >= PIECE) {
      break;
    }
    winner = winner == other ? winner : -1;
  }
  *found = winner;
  return last;
}

INLINE int reaches(
  const float *bounds, const float *floors, int64_t first, int64_t last, float below)
{
  int found = 0;
  for (int64_t i = first; i < last; ++i) {
    found |= bounds[i] >= floors[i] - below;
  }
  return found;
}

// The channels that matter in a piece: those that can lead in order, then the others.
INLINE int64_t choose(
  const float *bounds, const float *floors, int64_t classes, int64_t columns, int64_t first,
  int64_t last, int32_t winner, int wants_all, int64_t *chosen, int64_t *all)
{
  int64_t leaders = 0;
  if (winner >= 0) {
    chosen[leaders++] = winner;
  } else {
    for (int64_t channel = 0; channel < classes; ++channel) {
      if (reaches(bounds + channel * columns, floors, first, last, 0.0f)) {
        chosen[leaders++] = channel;
      }
    }
    if (leaders == 0) {
      chosen[leaders++] = 0;
    }
  }
  int64_t count = leaders;
  for (int64_t channel = 0; wants_all && channel < classes; ++channel) {
    int known = 0;
    for (int64_t place = 0; place < leaders; ++place) {
      known |= chosen[place] == channel;
    }
    // A class this far below the best one adds less than e^-12 to the sum of the softmax.
    if (!known && reaches(bounds + channel * columns, floors, first, last, 12.0f)) {
      chosen[count++] = channel;
    }
  }
  *all = count;
  return leaders;
}

// Two rows of cells at some columns of pixels: the upper row, and how far it falls.
INLINE void spread(
  const float *a, const float *b, const struct sampling *where, int64_t start, int64_t count,
  float *restrict top, float *restrict drop)
{
  const uint64_t *before = where->left + start, *after = where->right + start;
  const float *across = where->across + start;
  for (int64_t i = 0; i < count; ++i) {
    const float part = across[i], above = a[before[i]] + part * (a[after[i]] - a[before[i]]);
    top[i] = above;
    drop[i] = b[before[i]] + part * (b[after[i]] - b[before[i]]) - above;
  }
}

// The largest score along a row, and its class id.
INLINE void lead(
  const float *top, const float *drop, int64_t stride, float part, const int64_t *leaders,
  int64_t count, const uint8_t *ids, int64_t used, float *restrict best, int32_t *restrict names)
{
  for (int64_t place = 0; place < count; ++place) {
    const float *restrict a = top + place * stride, *restrict b = drop + place * stride;
    const int32_t name = ids[leaders[place]];
    if (place == 0) {
      for (int64_t i = 0; i < used; ++i) {
        best[i] = a[i] + part * b[i];
        names[i] = name;
      }
      continue;
    }
    for (int64_t i = 0; i < used; ++i) {
      const float value = a[i] + part * b[i];
      names[i] = value > best[i] ? name : names[i];
      best[i] = value > best[i] ? value : best[i];
    }
  }
}

// 255 / sum of e^x along a row, x = score - best; e^x is the 32nd power of a series.
INLINE void write_certainty(
  const float *top, const float *drop, int64_t stride, float part, int64_t count, int64_t used,
  const float *restrict best, float *restrict total, uint8_t *restrict target, int64_t width)
{
  const float sixth = (float)(1.0 / 6.0), share_of_24 = (float)(1.0 / 24.0);
  memset(total, 0, (size_t)used * sizeof(float));
  for (int64_t place = 0; place < count; ++place) {
    const float *restrict a = top + place * stride, *restrict b = drop + place * stride;
    for (int64_t i = 0; i < used; ++i) {
      float x = a[i] + part * b[i] - best[i];
      x = (x > -16.0f ? x : -16.0f) * (1.0f / 32.0f);
      float power = 1.0f + x * (1.0f + x * (0.5f + x * (sixth + x * share_of_24)));
      power *= power;
      power *= power;
      power *= power;
      power *= power;
      power *= power;
      total[i] += power;
    }
  }
  for (int64_t i = 0; i < width; ++i) {
    target[i] = (uint8_t)(int32_t)(255.0f / total[i] + 0.5f);
  }
}

// Scratch of fill_labels, in one block.
struct scratch {
  float *bounds, *floors, *largest, *smallest, *top, *drop, *best, *total;
  int32_t *winners, *names;
  int64_t *chosen;
  int64_t width;
};

static void *make_scratch(
  struct scratch *made, int64_t classes, int64_t rows, int64_t columns, const int64_t *edges)
{
  int64_t widest = 0;
  for (int64_t column = 0; column < columns; ++column) {
    const int64_t width = edges[column + 1] - edges[column];
    widest = width > widest ? width : widest;
  }
  const int64_t width = (PIECE + widest + LANES - 1) / LANES * LANES;
  const int64_t floats =
    classes * columns + columns + 2 * (columns + 1) + 2 * classes * width + 2 * width;
  const int64_t ints = rows * columns + width;
  char *block = calloc(
    1, (size_t)classes * sizeof(int64_t) + (size_t)(floats + ints) * sizeof(float));
  if (block == NULL) {
    return NULL;
  }
  made->width = width;
  made->chosen = (int64_t *)block;
  made->bounds = (float *)(made->chosen + classes);
  made->floors = made->bounds + classes * columns;
  made->largest = made->floors + columns;
  made->smallest = made->largest + columns + 1;
  made->top = made->smallest + columns + 1;
  made->drop = made->top + classes * width;
  made->best = made->drop + classes * width;
  made->total = made->best + width;
  made->winners = (int32_t *)(made->total + width);
  made->names = made->winners + rows * columns;
  return block;
}

// As fill_labels of label_kernel.py; confidence is NULL where it is not wanted.
// Returns 0, or 1 where there is no memory.
EVERY_PROCESSOR int segformer_fill_labels(
  const float *cells, int64_t classes, const uint8_t *ids, const struct sampling *where,
  uint8_t *labels, uint8_t *confidence)
{
  const int64_t rows = where->rows, columns = where->columns, width = where->width;
  const int64_t plane = rows * columns;
  const int wants_all = confidence != NULL;
  struct scratch use;
  void *block = make_scratch(&use, classes, rows, columns, where->edges);
  if (block == NULL) {
    return 1;
  }
  find_winners(cells, classes, rows, columns, use.winners, use.floors);
  for (int64_t band = 0; band < where->bands; ++band) {
    const int64_t start = where->band[band][0], stop = where->band[band][1];
    const int64_t upper = where->band[band][2], lower = smaller(upper + 1, rows - 1);
    bound(
      cells, classes, rows, columns, upper, lower, use.bounds, use.floors, use.largest,
      use.smallest);
    for (int64_t first = 0, last; first < columns; first = last) {
      int32_t winner;
      last = end_piece(
        use.winners, columns, upper, lower, where->edges, first, wants_all, &winner);
      const int64_t left = where->edges[first], right = where->edges[last];
      if (winner >= 0) {
        for (int64_t row = start; row < stop; ++row) {
          memset(labels + row * width + left, ids[winner], (size_t)(right - left));
        }
        if (!wants_all) {
          continue;
        }
      }
      const int64_t used = (right - left + LANES - 1) / LANES * LANES;
      int64_t count;
      const int64_t leaders = choose(
        use.bounds, use.floors, classes, columns, first, last, winner, wants_all, use.chosen,
        &count);
      for (int64_t place = 0; place < count; ++place) {
        const float *a = cells + use.chosen[place] * plane + upper * columns;
        const float *b = cells + use.chosen[place] * plane + lower * columns;
        spread(
          a, b, where, left, smaller(width - left, used), use.top + place * use.width,
          use.drop + place * use.width);
      }
      for (int64_t row = start; row < stop; ++row) {
        const float part = where->down[row];
        lead(
          use.top, use.drop, use.width, part, use.chosen, leaders, ids, used, use.best, use.names);
        if (winner < 0) {
          uint8_t *restrict target = labels + row * width + left;
          const int32_t *restrict names = use.names;
          for (int64_t i = 0; i < right - left; ++i) {
            target[i] = (uint8_t)names[i];
          }
        }
        if (wants_all) {
          write_certainty(
            use.top, use.drop, use.width, part, count, used, use.best, use.total,
            confidence + row * width + left, right - left);
        }
      }
    }
  }
  free(block);
  return 0;
}

// As fill_depth of depth_kernel.py; labels are NULL where nothing is known of a sky.
// Returns 0, or 1 where there is no memory.
EVERY_PROCESSOR int segformer_fill_depth(
  const float *cells, const struct sampling *where, float least, float most,
  const uint8_t *labels, uint8_t sky_id, float sky_m, float *depth)
{
  const int64_t width = where->width, columns = where->columns;
  float *restrict top = malloc((size_t)width * 2 * sizeof(float)), *restrict drop = top + width;
  if (top == NULL) {
    return 1;
  }
  for (int64_t band = 0; band < where->bands; ++band) {
    const int64_t start = where->band[band][0], stop = where->band[band][1];
    const int64_t upper = where->band[band][2], lower = smaller(upper + 1, where->rows - 1);
    spread(cells + upper * columns, cells + lower * columns, where, 0, width, top, drop);
    for (int64_t row = start; row < stop; ++row) {
      const float part = where->down[row];
      float *restrict target = depth + row * width;
      if (labels == NULL) {
        for (int64_t i = 0; i < width; ++i) {
          const float value = top[i] + part * drop[i];
          target[i] = (value >= least) & (value <= most) ? value : __builtin_nanf("");
        }
        continue;
      }
      const uint8_t *restrict names = labels + row * width;
      for (int64_t i = 0; i < width; ++i) {
        const float value = top[i] + part * drop[i];
        const float known = (value >= least) & (value <= most) ? value : __builtin_nanf("");
        target[i] = names[i] == sky_id ? sky_m : known;
      }
    }
  }
  free(top);
  return 0;
}

// Of the functions above and of struct sampling: _VERSION of inference/native_kernels.py.
int segformer_kernels_version(void) { return 1; }
