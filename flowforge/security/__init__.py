"""What keeps strangers' wishes from reaching where they must not."""
