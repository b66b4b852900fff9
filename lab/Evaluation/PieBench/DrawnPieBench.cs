using PromptToPrompt.Evaluation.Experiments;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>A data set in the layout of PIE-Bench with drawings and exact masks.</summary>
internal static class DrawnPieBench
{
    /// <summary>Writes a data set. Equal sides, counts and seeds give equal files.</summary>
    /// <param name="folder">The folder, which need not exist.</param>
    /// <param name="side">Width and height of the images.</param>
    /// <param name="count">Number of images, evenly spread over the types.</param>
    /// <param name="seed">The seed.</param>
    public static PieBenchData Write(string folder, int side, int count, int seed)
    {
        var data = new PieBenchData(folder, []);
        data = data with { Items = [.. DrawnEdit.Make(side, count, seed).Select(Write)] };
        data.WriteMapping();
        return data;

        PieBenchItem Write(DrawnEdit edit)
        {
            var item = Item(edit);
            Directory.CreateDirectory(Path.GetDirectoryName(data.PathOf(item))!);
            edit.Drawing.SavePng(data.PathOf(item));
            return item;
        }
    }

    /// <summary>An edit as an item of a data set.</summary>
    public static PieBenchItem Item(DrawnEdit edit)
    {
        var type = (int)edit.Kind;
        var id = $"{edit.Number:D12}";
        return new()
        {
            Id = id,
            ImagePath = $"{type}_{PieBenchItem.Types[type].Replace(' ', '_')}/{id}.png",
            SourcePrompt = edit.SourcePrompt,
            TargetPrompt = edit.TargetPrompt,
            Instruction = PieBenchItem.Types[type],
            Type = type,
            Blend = edit.Kind is DrawnEditKind.ChangeObject or DrawnEditKind.ChangeColor ? [(Noun(edit.Source), Noun(edit.Target))] : [],
            MaskRuns = PieBenchMask.Encode(edit.Region),
        };
    }

    private static string Noun(Scene scene) => Caption.Canonical(scene).Grounding.Last(word => word.Part == Part.Subject).Word;
}
