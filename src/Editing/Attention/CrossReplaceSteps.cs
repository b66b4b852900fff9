using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Attention;

/// <summary>The steps in which one word of the target takes the source's attention.</summary>
/// <param name="Word">The word, or a phrase of consecutive words.</param>
/// <param name="Window">Its range of steps.</param>
public sealed record WordWindow(string Word, StepWindow Window);

/// <summary>The steps in which cross-attention comes from the source (τ in Hertz et al. 2022, section 3.2), by word.</summary>
/// <param name="Default">The window of every token not covered by <paramref name="Words"/>, including padding, start and end.</param>
/// <param name="Words">Words with their own window; if two cover the same token, the later one wins.</param>
public sealed record CrossReplaceSteps(StepWindow Default, IReadOnlyList<WordWindow> Words)
{
    /// <summary>The first 80 % of the steps, for all words.</summary>
    public static CrossReplaceSteps Standard { get; } = new(StepWindow.Until(0.8));

    /// <summary>One window for all words.</summary>
    public CrossReplaceSteps(StepWindow window)
        : this(window, [])
    {
    }

    /// <summary>
    /// Parses any number of <c>0.8</c>, <c>0.1..0.6</c>, <c>WORD=0.4</c> and <c>WORD=0.1..0.6</c>. If only words are given, all other
    /// words use the whole run. Without any part, the result is <see cref="Standard"/>.
    /// </summary>
    /// <exception cref="InvalidInputException">A part is invalid, or two parts apply to all words.</exception>
    public static CrossReplaceSteps Parse(IEnumerable<string> parts)
    {
        StepWindow? all = null;
        var words = new List<WordWindow>();
        foreach (var part in parts)
        {
            var equals = part.LastIndexOf('=');
            if (equals >= 0 && part[..equals].Trim() is { Length: > 0 } word)
                words.Add(new WordWindow(word, StepWindow.Parse(part[(equals + 1)..])));
            else if (all is null)
                all = StepWindow.Parse(part);
            else
                throw new InvalidInputException($"{all} and {part} both apply to all words. Use one of them, or write WORD={part}.");
        }

        return all is null && words.Count == 0 ? Standard : new CrossReplaceSteps(all ?? StepWindow.Always, words);
    }

    /// <summary>
    /// The timing <c>α_t</c> of each step and target token: 1 inside the token's window, 0 outside. As in the authors' code there is one
    /// more row than steps, [steps + 1][tokens], and windows are fractions of the rows. Words missing from the prompt are ignored.
    /// </summary>
    public float[][] Timing(TokenizedPrompt target, int steps)
    {
        var rows = steps + 1;
        var windows = new StepWindow[target.Ids.Count];
        Array.Fill(windows, Default);
        foreach (var (word, window) in Words)
            foreach (var token in target.PlacesOf(word))
                windows[token] = window;
        return [.. Enumerable.Range(0, rows).Select(step => Array.ConvertAll(windows, window => window.Contains(step, rows) ? 1f : 0f))];
    }
}
