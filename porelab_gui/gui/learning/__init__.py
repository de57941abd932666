"""What every training shares in the window. How a system uses it:

- A Method of the step Learn gets all of it without a line: the step's panel (``panel.LearnPanel``) puts a
  ``run_panel.RunPanel`` under the form, and the tab "Training" below the canvas (``training_tab.TrainingTab``)
  follows the job. A page elsewhere (another step) adds ``RunPanel(context)`` below its form.
- Curves: report figures once per epoch, ``progress(done, total, text, train_loss=..., learning_rate=..., r2=...)``;
  ``core.learning.fit`` does. Names with "loss" share one plot, ``learning_rate`` has its own, the rest are scores.
- Pictures: give ``fit(..., draw=...)`` a function ``draw(model, progress)`` that calls ``show_panels`` (slices, truth
  and prediction) or ``show_parity`` of ``core.learning.pictures``; it is called every ``FitConfig.draw_every`` epochs.
- Memory before the start: the Method's ``estimate``. Afterwards: a Method that gives ``Weights`` gets buttons for the
  card and the folder.
"""
