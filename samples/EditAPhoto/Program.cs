// Edits a given image: EditAPhoto IMAGE PROMPT NEW-PROMPT [STEPS]. Writes edit.png to the current directory.
using PromptToPrompt;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Inversion;

if (args.Length < 3)
{
    Console.Error.WriteLine("Usage: EditAPhoto IMAGE PROMPT NEW-PROMPT [STEPS]");
    return 2;
}

var (file, prompt, newPrompt, steps) = (args[0], args[1], args[2], args.Length > 3 ? int.Parse(args[3]) : 50);
// Ctrl-C stops before the next step.
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
// <snippet>
using var pipeline = PromptToPromptPipeline.Load();
var photo = Image.Load(file);

// Null-text inversion: DDIM inversion, then one optimized "null" embedding for each timestep.
var progress = new Progress<InversionProgress>(step => Console.WriteLine($"{step.Stage} {step.Step}/{step.Steps}"));
using var inverted = pipeline.Invert(photo, prompt, new() { Steps = steps }, new NullTextInversion(), FramingKind.Fit, progress, stop.Token);

// The edit has the photo's size, and its pixels wherever nothing changed.
using var edit = inverted.Edit(newPrompt, cancellationToken: stop.Token);
edit.Image.SavePng("edit.png");
// </snippet>
return 0;
