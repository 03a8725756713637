"""The serve step: scores open pull requests and explains the scores."""
