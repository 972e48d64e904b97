"""Turn the exports of shop systems into order lines, as their profiles say."""
