"""The pure middle: selection, naming and assembling of what the sources answered."""
