using PromptToPrompt.Diffusion.Native.Numerics;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Warnings before the run, on standard error.</summary>
internal static class Warnings
{
    /// <summary>Notes on a model.</summary>
    public static void Note(IEnumerable<string> notes)
    {
        foreach (var note in notes)
            Console.Error.WriteLine($"note: {note}");
    }

    /// <summary>The prompts of a run.</summary>
    public static TokenizedPrompt[] PromptsOf(ClipTokenizer tokenizer, ImageRequest request) =>
    [
        .. request.Texts.Select(prompt => PromptReading.Read(tokenizer, prompt, request.Sampling.Chunks)),
    ];

    /// <summary>Warns if this machine computes wrongly, even with <c>--quiet</c>.</summary>
    public static void Numerics(NumericsVerdict verdict)
    {
        if (verdict == NumericsVerdict.RightWithoutOneDnn)
            Console.Error.WriteLine("note: libtorch's oneDNN kernels give wrong results on this processor, so the run uses slower ones (see p2p doctor)");
        else if (verdict == NumericsVerdict.Ignored)
            Console.Error.WriteLine($"warning: libtorch gives wrong results on this machine (see p2p doctor) and {MachineNumerics.IgnoreVariable} is set; do not trust these pictures");
    }

    /// <summary>Names the words of prompts that the model was not trained on, if it lists its words.</summary>
    public static void Unknown(string model, ClipTokenizer tokenizer, params TokenizedPrompt[] prompts)
    {
        if (ModelWords.Find(model) is not { } words)
            return;
        var unknown = words.Unknown(prompts.SelectMany(prompt => prompt.Words).Select(word => word.Text)).Where(word => !tokenizer.IsAdded(word)).ToList();
        if (unknown.Count > 0)
        {
            Console.Error.WriteLine(
                $"note: this model knows {words.Words.Count} words (docs/storybook.md lists them); these mean nothing to it: {string.Join(", ", unknown)}");
        }
    }

    /// <summary>Names the target prompts in which an editing method by concepts finds none, so that their edits change nothing.</summary>
    public static void Concepts(StableDiffusionModel model, params IEnumerable<ImageRequest> requests)
    {
        foreach (var group in requests.Where(request => request.Edit.Method is LeditsPlusPlus { Concepts.Count: 0 }).SelectMany(WithoutConcepts).GroupBy(found => found))
            Console.Error.WriteLine($"note: {new LeditsPlusPlus().Name} found nothing to add to or remove from \"{group.Key.Source}\" in \"{group.Key.Target}\", so that the edit is the reconstruction; use --concept or another target prompt");

        IEnumerable<(string Source, string Target)> WithoutConcepts(ImageRequest request) =>
            new EditWords(model.Tokenizer, request.Source, request.Edit).Concepts!.Skip(1).Zip(request.Edit.Prompts).Where(each => each.First.Count == 0).Select(each => (request.Source.Prompt, each.Second));
    }

    /// <summary>Points out the prompt notation of other programs, once for each kind.</summary>
    public static void Notation(params IEnumerable<string> prompts)
    {
        foreach (var kind in prompts.Distinct().SelectMany(ForeignNotation.Find).GroupBy(found => found.Kind))
        {
            var others = kind.Select(found => found.Text).Distinct().Count() - 1;
            var more = others > 0 ? $" ({others} more like it)" : "";
            Console.Error.WriteLine($"note: {kind.First().Message}{OptionFor(kind.Key)}{more} See docs/prompts.md.");
        }
    }

    /// <summary>Points out empty prompts, which are allowed but often the result of an unset shell variable.</summary>
    /// <param name="source">The source prompt, or the only one.</param>
    /// <param name="targets">The target prompts.</param>
    public static void Empty(string source, params IReadOnlyList<string> targets)
    {
        var empty = targets.Index().Where(target => string.IsNullOrWhiteSpace(target.Item)).Select(target => targets.Count == 1 ? "the target prompt" : $"target prompt {target.Index + 1}").ToList();
        if (string.IsNullOrWhiteSpace(source))
            empty.Insert(0, targets.Count == 0 ? "the prompt" : "the source prompt");
        if (empty.Count > 0)
            Console.Error.WriteLine($"note: {string.Join(" and ", empty)} {(empty.Count == 1 ? "is" : "are")} empty, so the model gets no description of the image");
    }

    /// <summary>Points out prompts that a shell may have split into words.</summary>
    public static void Quotes(IReadOnlyList<string> prompts)
    {
        if (prompts.Count > 3 && prompts.All(prompt => !prompt.Contains(' ', StringComparison.Ordinal)))
            Console.Error.WriteLine($"note: each of the {prompts.Count} prompts is a single word; put quotes around a prompt of several words");
    }

    private static string OptionFor(ForeignNotationKind kind) => kind switch
    {
        ForeignNotationKind.Adapter => " Use --lora FILE:0.8.",
        ForeignNotationKind.Embedding => " Use --embedding FILE.",
        ForeignNotationKind.Schedule => " Use --cross-steps of p2p edit.",
        ForeignNotationKind.Break => " Use --long-prompts for long prompts.",
        _ => "",
    };

    /// <summary>Names the words that were truncated.</summary>
    public static void Truncated(params TokenizedPrompt[] prompts)
    {
        foreach (var prompt in prompts.Where(prompt => prompt.Truncated.Count > 0))
        {
            Console.Error.WriteLine(
                $"warning: the model reads {prompt.Ids.Count} tokens; these words of \"{prompt.Words.FirstOrDefault()?.Text}…\" were cut off (--long-prompts reads more): {string.Join(' ', prompt.Truncated)}");
        }
    }
}
