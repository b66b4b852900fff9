using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>
/// Computes the number of chunks for a recipe. All prompts of a run use the same number, so an edit with more words than its source's chunks
/// hold has the source run again with more.
/// </summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="find">Finds a version by id.</param>
internal sealed class PromptChunks(ClipTokenizer tokenizer, Func<string, PictureVersion> find)
{
    /// <summary>Number of chunks of a recipe; 1 without long prompts.</summary>
    public int Of(Recipe recipe) => recipe switch
    {
        RootRecipe { LongPrompts: true } => Needed(recipe.Texts),
        EditedRecipe edited when edited.Root(find).LongPrompts => Math.Max(Of(find(edited.Source).Recipe), Needed(edited.Texts)),
        _ => 1,
    };

    private int Needed(IEnumerable<string> prompts) => PromptReading.Chunks(tokenizer, prompts);
}
