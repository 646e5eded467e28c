// Copyright 2026 The segformer_ros authors
// SPDX-License-Identifier: Apache-2.0
//
// From the bytes of a camera to the input of the network: resized, padded, normalised.
//
// The resize is that of OpenCV for bytes, bit for bit: weights are whole numbers of 1/2048, and
// each of the two rows is cut to 16 bits of fraction before they are added. The tables of places
// and weights come from the host, which computes them in the precision that OpenCV does.

struct Camera {
    const unsigned char *pixels;
    int step;     // bytes from one row to the next
    int channels; // bytes from one pixel to the next
    int red, green, blue; // place of each colour in a pixel
};

struct Places {
    // Of every column, or row, of the resized image: the two that it lies between, and their
    // weights, which add up to 2048.
    const int *first, *second, *first_weight, *second_weight;
};

static __device__ int resized(
    const Camera &camera, const Places &across, const Places &down, int x, int y, int channel) {
    const unsigned char *upper = camera.pixels + (long long)down.first[y] * camera.step + channel;
    const unsigned char *lower = camera.pixels + (long long)down.second[y] * camera.step + channel;
    const int left = across.first[x] * camera.channels, right = across.second[x] * camera.channels;
    const int left_weight = across.first_weight[x], right_weight = across.second_weight[x];
    const int top = upper[left] * left_weight + upper[right] * right_weight;
    const int bottom = lower[left] * left_weight + lower[right] * right_weight;
    const int above = (down.first_weight[y] * (top >> 4)) >> 16;
    const int below = (down.second_weight[y] * (bottom >> 4)) >> 16;
    return (above + below + 2) >> 2;
}

// planes (3, input_h, input_w) from table (3, 256), the normalised value of each byte; padding is 0.
extern "C" __global__ void resize_to_planes(
    const unsigned char *pixels, int step, int channels, int red, int green, int blue,
    const int *left, const int *right, const int *left_weight, const int *right_weight,
    const int *upper, const int *lower, const int *upper_weight, const int *lower_weight,
    int resized_w, int resized_h, int input_w, int input_h, const float *table, float *planes) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= input_w || y >= input_h) return;
    const Camera camera = {pixels, step, channels, red, green, blue};
    const Places across = {left, right, left_weight, right_weight};
    const Places down = {upper, lower, upper_weight, lower_weight};
    const bool inside = x < resized_w && y < resized_h;
    const int order[3] = {camera.red, camera.green, camera.blue};
    for (int plane = 0; plane < 3; ++plane) {
        float value = 0.0f;
        if (inside) value = table[256 * plane + resized(camera, across, down, x, y, order[plane])];
        planes[((long long)plane * input_h + y) * input_w + x] = value;
    }
}

// bytes (input_h, input_w, 3) RGB for a network that normalises by itself; padding is pad (3).
extern "C" __global__ void resize_to_bytes(
    const unsigned char *pixels, int step, int channels, int red, int green, int blue,
    const int *left, const int *right, const int *left_weight, const int *right_weight,
    const int *upper, const int *lower, const int *upper_weight, const int *lower_weight,
    int resized_w, int resized_h, int input_w, int input_h, const unsigned char *pad,
    unsigned char *bytes) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= input_w || y >= input_h) return;
    const Camera camera = {pixels, step, channels, red, green, blue};
    const Places across = {left, right, left_weight, right_weight};
    const Places down = {upper, lower, upper_weight, lower_weight};
    const bool inside = x < resized_w && y < resized_h;
    const int order[3] = {camera.red, camera.green, camera.blue};
    for (int color = 0; color < 3; ++color) {
        int value = pad[color];
        if (inside) value = resized(camera, across, down, x, y, order[color]);
        bytes[((long long)y * input_w + x) * 3 + color] = (unsigned char)value;
    }
}
