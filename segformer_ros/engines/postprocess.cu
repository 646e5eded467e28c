// Copyright 2026 The segformer_ros authors
// SPDX-License-Identifier: Apache-2.0
//
// From network outputs to images in the geometry of the camera.
//
// A pixel lies between four cells of an output: between left[x] and the next column, across[x] of
// the way, and between upper[y] and the next row, down[y] of the way. Samples are taken first
// across, then down, both as a + part * (b - a) in float32 and without fused multiply-add: the
// same operations in the same order as on the processor, hence the same labels.

struct Grid {
    const float *cells;
    int pitch;      // cells from one row to the next
    int rows, columns; // those that see a part of the image
};

static __device__ float sample(
    const Grid &grid, long long offset, int left, int upper, float across, float down) {
    const int right = left + 1 < grid.columns ? left + 1 : grid.columns - 1;
    const int lower = upper + 1 < grid.rows ? upper + 1 : grid.rows - 1;
    const float *a = grid.cells + offset + (long long)upper * grid.pitch;
    const float *b = grid.cells + offset + (long long)lower * grid.pitch;
    const float top = a[left] + across * (a[right] - a[left]);
    const float drop = b[left] + across * (b[right] - b[left]) - top;
    return top + down * drop;
}

// Sets flag to 1 where one of the values is NaN or infinite; it is never set to 0 here.
extern "C" __global__ void find_unusable(const float *values, int count, int height, int *flag) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= count || y >= height) return;
    const float value = values[x];
    if (!(value - value == 0.0f)) *flag = 1;
}

// labels (height, width) from logits (classes, ..., pitch), of equal ones that of the lower
// channel; confidence, unless it is null, the softmax probability of the class times 255.
extern "C" __global__ void decode_labels(
    const float *logits, int classes, int plane, int pitch, int rows, int columns,
    const int *left, const float *across, const int *upper, const float *down,
    const unsigned char *ids, int width, int height,
    unsigned char *labels, unsigned char *confidence) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    const Grid grid = {logits, pitch, rows, columns};
    float best = sample(grid, 0, left[x], upper[y], across[x], down[y]);
    float total = 1.0f;
    int winner = 0;
    for (int channel = 1; channel < classes; ++channel) {
        const float value = sample(
            grid, (long long)channel * plane, left[x], upper[y], across[x], down[y]);
        const bool better = value > best;
        if (confidence) {
            total = better ? total * expf(best - value) + 1.0f : total + expf(value - best);
        }
        best = better ? value : best;
        winner = better ? channel : winner;
    }
    const long long pixel = (long long)y * width + x;
    labels[pixel] = ids[winner];
    if (confidence) confidence[pixel] = (unsigned char)(255.0f / total + 0.5f);
}

// metres (rows, columns) from the raw depth output, which is their logarithm or they themselves.
extern "C" __global__ void to_metres(
    const float *raw, int pitch, int logarithm, float factor, int columns, int rows,
    float *metres) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    const float value = raw[(long long)y * pitch + x];
    metres[y * columns + x] = (logarithm ? expf(value) : value) * factor;
}

// depth (height, width) from metres (rows, columns): unknown outside least to most, and sky_m
// where labels, unless they are null, say sky_id.
extern "C" __global__ void decode_depth(
    const float *metres, int rows, int columns,
    const int *left, const float *across, const int *upper, const float *down,
    float least, float most, float unknown, const unsigned char *labels, int sky_id, float sky_m,
    int width, int height, float *depth) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    const Grid grid = {metres, columns, rows, columns};
    const long long pixel = (long long)y * width + x;
    float value = sample(grid, 0, left[x], upper[y], across[x], down[y]);
    if (!(value >= least && value <= most)) value = unknown;
    if (labels && labels[pixel] == sky_id) value = sky_m;
    depth[pixel] = value;
}
