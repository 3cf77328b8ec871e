"""Allure's results of a run, made from the verdict's document, and the page that is built from them."""
