use std::sync::Arc;

use portique_clock::Timestamp;

use super::Book;
use crate::{Caller, Digest, Holder, Permissions, Who};

impl Book {
    /// Who shows a token with this digest; none when it opens nothing.
    pub fn by_token(&self, digest: Digest, at: Timestamp) -> Option<Caller> {
        if let Some((name, permissions)) = self.held_by_built_in.get(&digest) {
            return Some(caller(Who::BuiltIn(name.clone()), permissions, false));
        }
        let token = self.tokens.get(self.by_digest.get(&digest)?)?;
        let owner = self.users.get(&token.owner)?;
        if owner.disabled || !token.works(at) {
            return None;
        }
        let who = Who::Token {
            owner: owner.name.clone(),
            id: token.id.clone(),
        };
        let held = self.held_by_token.get(&token.id)?;
        Some(caller(who, held, owner.must_change))
    }

    /// Who signed in; none when they may not any more.
    pub fn by_holder(&self, holder: &Holder) -> Option<Caller> {
        match holder {
            Holder::BuiltIn(name) => {
                let mut all = self.held_by_built_in.values();
                let (_, permissions) = all.find(|(known, _)| known == name)?;
                Some(caller(Who::BuiltIn(name.clone()), permissions, false))
            }
            Holder::User(name) => {
                let user = self.users.get(name).filter(|user| !user.disabled)?;
                let held = self.held_by_user.get(name)?;
                Some(caller(Who::User(name.clone()), held, user.must_change))
            }
        }
    }

    /// What follows from users, roles and tokens.
    pub(super) fn derive(&mut self) {
        let built_in = self.built_in.iter().map(|token| {
            let held = self.catalogue.role(&token.role).cloned();
            let held = Arc::new(held.unwrap_or_default());
            (token.digest, (token.name.clone(), held))
        });
        self.held_by_built_in = built_in.collect();
        let users = self.users.values();
        let held = users.map(|user| (user.name.clone(), Arc::new(self.held(user.roles.iter()))));
        self.held_by_user = held.collect();
        let tokens = self.tokens.values().map(|token| {
            let owner = self.held_by_user.get(&token.owner).cloned();
            let held = owner.unwrap_or_default();
            let held: Permissions = token.scopes.intersection(&held).cloned().collect();
            (token.id.clone(), Arc::new(held))
        });
        self.held_by_token = tokens.collect();
        let tokens = self.tokens.values();
        self.by_digest = tokens
            .map(|token| (token.digest, token.id.clone()))
            .collect();
    }
}

fn caller(who: Who, permissions: &Arc<Permissions>, must_change: bool) -> Caller {
    Caller {
        who,
        permissions: permissions.clone(),
        must_change,
    }
}
