"""Insurance of patents: premiums."""
