using System.Text.Json;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Tests.Alignment;

/// <summary>The prompts of the reference files as CLIP's tokenizer splits them.</summary>
internal static class ReferencePrompts
{
    private const int Length = 77, EndId = 49407;
    private static readonly JsonElement Prompts = ReferenceFiles.Json("prompts.json");

    public static TokenizedPrompt Get(string text)
    {
        var prompt = Prompts.GetProperty(text);
        var ids = prompt.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToList();
        ids.AddRange(Enumerable.Repeat(EndId, Length - ids.Count));
        string[] tokens = [.. prompt.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!)];
        return new TokenizedPrompt(text, ids, tokens, [.. prompt.GetProperty("words").EnumerateArray().Select(Word)], []);

        PromptWord Word(JsonElement word)
        {
            int[] places = [.. word.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())];
            return ToyPrompt.Word(word.GetProperty("text").GetString()!, places, tokens);
        }
    }
}
