/* An LSTM for gateproof check: gcc lstm.c -lm -o lstm && gateproof check --exec ./lstm --cell lstm */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double number(void) {  /* the next one: before a case's words, nothing else has a digit or a minus sign */
    double value;
    if (scanf("%*[^0-9-]%lf", &value) != 1) exit(0);
    return value;
}
static void numbers(double *a, int count) { while (count--) *a++ = number(); }
static void answer(const char *key, const double *a, int count) {
    for (int k = 0; k < count; k++) printf("%s%.17g", k ? ", " : key, a[k]);
}
static double sigmoid(double a) { return 1 / (1 + exp(-a)); }

int main(void) {
    for (;;) {
        int version = number(), B = number(), T = number(), X = number(), H = number(), G = 4 * H;
        double x[B][T][X], h[B][H], c[B][H], W[X][G], U[H][G], b[G], a[G], hs[B][T][H], cs[B][T][H];
        numbers(x[0][0], B * T * X), numbers(h[0], B * H), numbers(c[0], B * H);
        numbers(W[0], X * G), numbers(U[0], H * G), numbers(b, G);
        for (int row = 0; row < B; row++) for (int t = 0; t < T; t++) {
            for (int j = 0; j < G; j++) {  /* i f g o, H columns each */
                a[j] = b[j];
                for (int k = 0; k < X; k++) a[j] += x[row][t][k] * W[k][j];
                for (int k = 0; k < H; k++) a[j] += h[row][k] * U[k][j];
            }
            for (int u = 0; u < H; u++) {
                double i = sigmoid(a[u]), f = sigmoid(a[H + u]), g = tanh(a[2 * H + u]), o = sigmoid(a[3 * H + u]);
                cs[row][t][u] = c[row][u] = f * c[row][u] + i * g;
                hs[row][t][u] = h[row][u] = o * tanh(c[row][u]);
            }
        }
        answer("{\"h\": [", hs[0][0], B * T * H), answer("], \"c\": [", cs[0][0], B * T * H), puts("]}");
        if (scanf("%*[^\n]") == EOF || version != 1) return version != 1;  /* the words */
    }
}
