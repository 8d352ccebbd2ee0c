"""The routes: each turns a request into values, asks one question, and turns the answer into a response."""
