"""The classes of recurrent cells, Keras' and this project's, and which cell each of them is. No NumPy."""

CELLS = {"SimpleRNNCell": "simple_rnn", "LSTMCell": "lstm", "GRUCell": "gru"}
OWN_CELLS = {  # of `cells` alone
    "CIFGCell": "cifg",
    "FusedLayerNormLSTMCell": "fused_layer_norm_lstm",
    "GreffLSTMCell": "greff_lstm",
    "JordanCell": "jordan",
    "LSTM1997Cell": "lstm_1997",
    "LayerNormLSTMCell": "layer_norm_lstm",
    "MGUCell": "mgu",
    "MUT1Cell": "mut1",
    "MUT2Cell": "mut2",
    "MUT3Cell": "mut3",
    "PeepholeLSTMCell": "peephole_lstm",
    "UGRNNCell": "ugrnn",
}
