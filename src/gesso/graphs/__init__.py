"""Networks as ONNX graphs: what writes them, operator by operator. No torch."""
