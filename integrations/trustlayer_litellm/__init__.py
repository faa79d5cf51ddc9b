"""trustlayer in the LiteLLM proxy."""
