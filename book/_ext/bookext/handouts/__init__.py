"""The handouts' questions, their answers, and what is wrong with the handouts.

Sphinx knows no question that must be answered, and asks no page for evidence. Here a list of
questions is data; an `answer` names the tests that check it and stands beside a cell that asserts;
an `about` says where a handout errs. The build fails on a gap, and makes both lists itself.
"""
