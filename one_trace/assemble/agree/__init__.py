"""What the state agrees to: which result is whose, and which of two that wrote under one id was the last."""
