using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>
/// In how many windows the prompts of a recipe are read. All prompts of one run get as many, so an edit with more words than its source's windows
/// hold has the source run again with more.
/// </summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="find">Gives the version of an id.</param>
internal sealed class PromptChunks(ClipTokenizer tokenizer, Func<string, PictureVersion> find)
{
    /// <summary>The windows of a recipe, 1 where long prompts were not asked for.</summary>
    public int Of(Recipe recipe) => recipe switch
    {
        RootRecipe { LongPrompts: true } => Needed(recipe.Texts),
        EditedRecipe edited when edited.Root(find).LongPrompts => Math.Max(Of(find(edited.Source).Recipe), Needed(edited.Texts)),
        _ => 1,
    };

    private int Needed(IEnumerable<string> prompts) => PromptReading.Windows(tokenizer, prompts);
}
