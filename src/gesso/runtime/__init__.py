"""Pictures without torch: numpy, Pillow and ONNX Runtime."""
