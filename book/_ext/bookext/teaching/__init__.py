"""What a teacher takes from the chapters: their figures, and their exercises.

Sphinx can list what an author has listed. Here the pages of all figures and of all exercises are
made from the chapters, so nothing on them is written twice; and a book for a course can be built
without the solutions.
"""
